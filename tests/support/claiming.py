"""Machines that claim a product of a shared store, in threads and processes, with short times."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from aimager.model.remote import RecordTrust, Remote
from aimager.products.remote import claims, turns
from aimager.products.remote.claims import Claim, Process, claim_path, new_claim, write_claim
from aimager.products.remote.transport import MissingError, read, write
from aimager.products.remote.turns import turn
from tests.support.places import ROOT
from tests.support.signers import UNSIGNED

FOLDER = "product/shout/0123"
ABROAD = Process("f" * 64, 1, 1)
"""A process of another machine."""

TIMES = {
    claims: {"LASTS": 1, "SHORTEST": 1, "SETTLING": 0.2},
    turns: {"RENEWING": 0.1, "_POLL": 0.03, "_CROWDED": 0.3},
}
"""What a test of seconds takes, in the place of minutes."""


def hurry(patch: pytest.MonkeyPatch) -> None:
    """Let claims last for a second."""
    for module, values in TIMES.items():
        for name, value in values.items():
            patch.setattr(module, name, value)


@dataclass
class Machines:
    """Machines that share a store and need one product; ``made`` has the name of each maker."""

    url: str
    folder: Path
    pause: float = 0.0
    trust: RecordTrust = UNSIGNED
    made: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def remote(self, name: str) -> Remote:
        """The store as a machine sees it."""
        return Remote(self.url, self.folder / name, self.trust)

    def has_product(self, name: str) -> bool:
        """Whether the product is there; then the machine takes it."""
        try:
            read(self.remote(name), f"{FOLDER}/record.json", limit=100)
        except MissingError:
            return False
        self.taken.append(name)
        return True

    def need(
        self, name: str, *, waits: bool = True, work: Callable[[], object] | None = None
    ) -> None:
        """Be the machine ``name``, which makes the product unless it has it from the store."""

        def take() -> bool:
            return waits and self.has_product(name)

        if take():
            return
        with turn(self.remote(name), FOLDER, take, self.told.append, waits=waits) as taken:
            if not taken:
                self.made.append(name)
                work() if work else time.sleep(self.pause)
                if self.trust.gives:
                    write(self.remote(name), f"{FOLDER}/record.json", b"{}")

    def all_need(self, names: Sequence[str]) -> None:
        """Let several machines need it at the same moment."""
        start = threading.Barrier(len(names))

        def be(name: str) -> None:
            start.wait()
            self.need(name)

        threads = [threading.Thread(target=be, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def leave_claim(self, claim: Claim | bytes | None = None, number: int = 1) -> None:
        """Put a claim into the store: one from elsewhere, if none is given."""
        given = claim if claim is not None else replace(new_claim(FOLDER), process=ABROAD)
        content = given if isinstance(given, bytes) else write_claim(given)
        write(self.remote("hostile"), claim_path(FOLDER, number), content)

    def claims(self) -> list[int]:
        """The numbers of the claims that are there."""
        found = []
        for number in range(1, 10):
            try:
                read(self.remote("observer"), claim_path(FOLDER, number), limit=1 << 20)
            except MissingError:
                continue
            found.append(number)
        return found


def start(url: str, folder: Path, name: str, *words: str) -> "subprocess.Popen[str]":
    """A machine in a process of its own, which says ``making``, and makes until it is told."""
    code = "import sys; from tests.support import claiming; claiming.be_there(*sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", code, url, str(folder), name, *words],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def be_there(url: str, folder: str, name: str, *words: str) -> None:
    """What such a process does; with ``fail`` it cannot make the product."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    hurry(pytest.MonkeyPatch())
    machines = Machines(url, Path(folder))
    machines.told = _Said()

    def work() -> None:
        print("making", flush=True)
        sys.stdin.readline()
        if "fail" in words:
            raise ValueError("it cannot be made")

    machines.need(name, work=work)
    print("made" if machines.made else "taken", flush=True)


class _Said(list[str]):
    def append(self, text: str) -> None:
        print(text, flush=True)


def refuse(number: int) -> Callable[..., Any]:
    """A call that the system refuses."""

    def call(*_: object, **__: object) -> Any:
        raise OSError(number, os.strerror(number))

    return call
