"""The SHA-256 of files, computed on other cores while further files are made."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from aimager import files
from aimager.meanwhile import looking


class Growing(Protocol):
    """A file that is written from start to end, and whose checksum follows."""

    def advance(self, end: int) -> object:
        """The bytes before ``end`` are final."""


class Sums(Protocol):
    """Who computes checksums, here or elsewhere."""

    def take(self, path: Path) -> None:
        """Begin with a complete file, unless that was begun before."""

    def following(self, path: Path, target: Path) -> AbstractContextManager[Growing]:
        """Compute that of ``target`` while it is written as ``path``, in the block."""

    def of(self, path: Path) -> str:
        """The checksum of a file, in hexadecimal."""


class KnownSums:
    """Checksums of which some are ``known`` already, by the files' names."""

    def __init__(self, sums: Sums, known: Mapping[str, str]) -> None:
        self._sums = sums
        self._known = known

    def take(self, path: Path) -> None:
        """As `Sums.take`."""
        if path.name not in self._known:
            self._sums.take(path)

    def following(self, path: Path, target: Path) -> AbstractContextManager[Growing]:
        """As `Sums.following`."""
        return self._sums.following(path, target)

    def of(self, path: Path) -> str:
        """As `Sums.of`."""
        return self._known.get(path.name) or self._sums.of(path)


class Unsummed:
    """Who computes no checksum of a file that is only begun with (`Growing`)."""

    def advance(self, end: int) -> None:
        """Nobody waits for these bytes."""


_LOOK = 0.1  # seconds


@contextmanager
def summed_meanwhile(sums: Sums, path: Path, target: Path) -> Iterator[None]:
    """Compute that of ``target`` in the block, while a program adds to the end of ``path``."""
    with (
        sums.following(path, target) as growing,
        looking(lambda: growing.advance(path.stat().st_size), _LOOK),
    ):
        yield


class GrowingDigest:
    """The checksum of a file, computed while it is written from start to end."""

    def __init__(self, path: Path) -> None:
        self._pool = ThreadPoolExecutor(1)  # one thread, for the bytes are hashed in order
        self._stream = path.open("rb")
        self._digest = hashlib.sha256()
        self._end = 0

    def advance(self, end: int) -> Future[str]:
        """Hash the bytes before ``end``, which are final; returns the checksum so far."""
        return self._pool.submit(self._take, end)

    def finish(self) -> Future[str]:
        """The checksum of the file, which is complete."""
        return self.advance(os.fstat(self._stream.fileno()).st_size)

    def close(self) -> None:
        """Close the file, once the work that was begun is done."""
        self._pool.shutdown()
        self._stream.close()

    def _take(self, end: int) -> str:
        if end < self._end:  # it is written once more
            self._digest, self._end = hashlib.sha256(), 0
        files.feed(self._digest, self._stream.fileno(), self._end, end)
        self._end = end
        return self._digest.hexdigest()
