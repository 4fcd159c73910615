"""Claims: what a maker puts beside a product in a shared store while it makes it.

::

    URL/product/TASK/ID/claim.1    made only where there is none, and renewed by its owner
    URL/product/TASK/ID/claim.2    by who has seen that claim.1 is no longer renewed

The highest counts. Nothing in a claim is trusted, the clock of its writer least of all: it is stale
when the reader has seen it unchanged for as long as it says that it lasts, within `SHORTEST` and
`LONGEST`. Whose process was one of this very machine and is gone leaves a claim that is stale at
once.
"""

import hashlib
import json
import os
import re
import secrets
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from aimager.codec import decode, encode
from aimager.model.remote import Remote
from aimager.products.remote.transport import MissingError, TooLargeError, read
from aimager.strict_json import parse_json

LASTS = 60
"""Seconds that a claim of ours lasts without being renewed."""

SHORTEST, LONGEST = 5, 120
"""Seconds that one lasts at least and at most, whatever it says."""

SETTLING = 5.0
"""Seconds for what is not a claim to become one: where it cannot be made as a whole, it is read
while it is written."""

MOST = 20
"""Claims on a product, each after a maker that was killed."""

_LARGEST = 4096
_LONGEST_NAME = 64
_OLDEST = 10**6
"""Bytes of a claim, characters of a host's name, and seconds that somebody can be at work."""

Seconds = float


@dataclass(frozen=True)
class Process:
    """A process, of which only the ``machine`` can tell that it is gone.

    That is a digest of the boot and the PID namespace; ``started`` is in the kernel's ticks
    (proc_pid_stat(5)).
    """

    machine: str
    number: int
    started: int


@dataclass(frozen=True)
class Claim:
    """What the file says: ``owner`` is a random name for one making of the product in ``folder``.

    ``lasts`` and ``age`` are in seconds, by the owner's clock; one that has ended, and could not be
    removed, lasts for 0. ``beat`` is another each time that it is renewed.
    """

    folder: str
    owner: str
    host: str
    lasts: int
    age: int
    beat: int
    process: Process | None

    @property
    def patience(self) -> Seconds:
        """How long a reader is to see it unchanged before it is stale; one that has ended is."""
        return min(max(self.lasts, SHORTEST), LONGEST) if self.lasts > 0 else 0

    @property
    def is_orphaned(self) -> bool:
        """Whether its owner was a process of this machine, and is gone."""
        here = this_process()
        if self.process is None or here is None or self.process.machine != here.machine:
            return False
        return started(self.process.number) != self.process.started


def new_claim(folder: str) -> Claim:
    """A claim of this process on the product in ``folder``."""
    host = socket.gethostname()[:_LONGEST_NAME] or "a machine without a name"
    return Claim(folder, secrets.token_hex(16), host, LASTS, 0, 0, this_process())


def write_claim(claim: Claim) -> bytes:
    """The content of its file."""
    return (json.dumps(encode(claim), sort_keys=True) + "\n").encode()


def parse_claim(content: bytes, folder: str) -> Claim | None:
    """The claim on the product in ``folder`` that a file is; None if it is not one."""
    try:
        claim: Claim = decode(Claim, parse_json(content))
    except (ValueError, RecursionError):
        return None
    is_sane = 0 <= claim.age <= _OLDEST and 0 < len(claim.host) <= _LONGEST_NAME
    return claim if claim.folder == folder and claim.owner and is_sane else None


@dataclass(frozen=True)
class Standing:
    """The highest claim on a product; None for ``claim``: its file is not one.

    ``since`` is when the reader saw it first as it is, and ``seen`` when it was read last.
    """

    number: int
    claim: Claim | None
    content: bytes
    since: Seconds
    seen: Seconds

    @property
    def is_stale(self) -> bool:
        """Whether its owner is taken to be gone."""
        patience = self.claim.patience if self.claim else SETTLING
        orphaned = self.claim is not None and self.claim.is_orphaned
        return orphaned or self.seen - self.since >= patience


class Watch:
    """What one reader has seen of the claims on the product in ``folder``."""

    def __init__(self, remote: Remote, folder: str) -> None:
        self._remote = remote
        self._folder = folder
        self._last: Standing | None = None

    def look(self) -> Standing | None:
        """The highest claim that there is now.

        :raises StoreError: when it cannot be read
        """
        found = None
        asked = clock()
        for number in range(1, MOST + 1):
            content = self.read(number)
            if content is None:
                break
            found = number, content
        self._last = self._standing(*found, asked) if found else None
        return self._last

    def read(self, number: int) -> bytes | None:
        """The content of a claim; None: there is none. One that is too large is empty.

        :raises StoreError: when it cannot be read
        """
        try:
            return read(self._remote, claim_path(self._folder, number), limit=_LARGEST)
        except TooLargeError:
            return b""
        except MissingError:
            return None

    def _standing(self, number: int, content: bytes, asked: Seconds) -> Standing:
        claim = parse_claim(content, self._folder)
        content = content if claim else b""  # whatever else it is by now
        last = self._last
        if last and (last.number, last.content) == (number, content):
            return Standing(number, claim, content, last.since, asked)
        now = clock()
        return Standing(number, claim, content, now, now)


def claim_path(folder: str, number: int) -> str:
    """Where a claim on the product in ``folder`` lies in the store."""
    return f"{folder}/claim.{number}"


def is_claim(name: str) -> bool:
    """Whether a file beside a product is a claim, or was to become one."""
    return re.fullmatch(r"(\.claim\.\d+\.[0-9a-f]+|claim\.\d+)", name) is not None


def clock() -> Seconds:
    """A time that nobody sets, and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def this_process() -> Process | None:
    """This process; None where /proc does not tell of it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        namespace = os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - one that is never made
        number = int(os.readlink("/proc/self"))  # noqa: PTH115
    except (OSError, ValueError):
        return None
    begun = started(number)
    if number != os.getpid() or begun is None:  # it is the /proc of another namespace
        return None
    machine = hashlib.sha256(f"aimager {boot} {namespace}".encode()).hexdigest()
    return Process(machine, number, begun)


def started(number: int) -> int | None:
    """When the process began, in the kernel's ticks; None: it has ended."""
    try:
        text = Path(f"/proc/{number}/stat").read_bytes()
    except OSError:
        return None
    state, *fields = text.rpartition(b")")[2].split()
    return None if state in (b"Z", b"X") else int(fields[18])
