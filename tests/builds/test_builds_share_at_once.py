"""Machines that begin at the same moment on one empty store make each product once."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.builds.test_concurrent_builds import ARCHIVE, finish, start
from tests.support.cells import fresh_folder, sums
from tests.support.doit_output import Said
from tests.support.runs import Doit
from tests.support.waiting import wait_until

SHARED = {"make-rootfs-archive", "install-packages"}


@dataclass(frozen=True)
class Fleet:
    """Machines with empty caches, and the folder that they share; what they made, and its sums."""

    folder: Path
    variables: tuple[str, ...]
    made: Counter[str]
    results: list[dict[str, str]]

    def machine(self, name: str) -> Doit:
        """One of the machines."""
        return machine(self.folder, self.variables, name)


def machine(folder: Path, variables: tuple[str, ...], name: str) -> Doit:
    """One of those that share the store in ``folder``."""
    words = (f"remote={folder / 'store'}", "remote-unsigned=yes")
    (folder / name).mkdir()
    return Doit(folder / name, (*variables, *words))


def made(said: Said) -> Counter[str]:
    """The shared products that a machine made, by task and subject: all but the borrowed root."""
    reasons = (reason for reason in said.made if reason.stage in SHARED)
    names = (f"{reason.stage}:{reason.subject}".rstrip(":") for reason in reasons)
    return Counter(name for name in names if not name.endswith(".borrowed"))


def claims(folder: Path) -> list[Path]:
    """Those that lie in a store."""
    return list((folder / "store").rglob("claim.*"))


@pytest.fixture(scope="module")
def fleet(doit: Doit, test_cache: Path) -> Iterator[Fleet]:
    """Four that begin at once."""
    folder = fresh_folder(test_cache / "at-once")
    machines = [machine(folder, doit.variables, name) for name in ("one", "two", "three", "four")]
    running = [(one, start(one, 0, *ARCHIVE.words)) for one in machines]
    said = [text for one, process in running for text in finish(one, [process])]
    results = [sums(ARCHIVE.folder(one), ("root.tar",)) for one in machines]
    yield Fleet(folder, doit.variables, sum(map(made, said), Counter[str]()), results)


def test_each_product_is_made_once(fleet: Fleet) -> None:
    assert {name.partition(":")[0] for name in fleet.made} == SHARED
    assert set(fleet.made.values()) == {1}
    assert all(result == fleet.results[0] for result in fleet.results)
    assert claims(fleet.folder) == []


def test_one_that_is_killed_is_followed_by_the_next(fleet: Fleet) -> None:
    """While it makes the base system, for which the next has begun to wait.

    It is stopped until then, so that it does not come to its end before.
    """
    (fleet.folder / "store").rename(fleet.folder / "filled")
    killed, heir = fleet.machine("killed"), fleet.machine("heir")
    running = start(killed, 0, *ARCHIVE.words)
    following = None
    try:
        wait_until(lambda: bool(claims(fleet.folder)) or running.poll() is not None)
        (claim,) = claims(fleet.folder)
        os.kill(json.loads(claim.read_text())["process"]["number"], signal.SIGSTOP)
        following = start(heir, 0, *ARCHIVE.words)
        said = heir.folder / "said.0"
        wait_until(lambda: ": waiting" in said.read_text() or following.poll() is not None)
        running.kill()
        (text,) = finish(heir, [following])
    finally:
        for process in filter(None, (running, following)):
            process.kill()
            process.wait()
    assert ": waiting" in said.read_text()
    assert made(text) == fleet.made
    assert sums(ARCHIVE.folder(heir), ("root.tar",)) == fleet.results[0]
    assert claims(fleet.folder) == []
