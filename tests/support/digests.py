"""Checksums computed in this process, in the place of a builder's."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from aimager import files
from aimager.digests import GrowingDigest


class Digests:
    """Computes checksums of files in ``threads`` threads, which have ended after its block."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads)  # hashlib releases the interpreter's lock
        self._growing: list[GrowingDigest] = []
        self._sums: dict[Path, Future[str]] = {}

    def __enter__(self) -> "Digests":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        for growing in self._growing:
            growing.close()

    def take(self, path: Path) -> None:
        """Begin to compute the checksum of a complete file, unless that was begun before."""
        if path not in self._sums:
            self._sums[path] = self._pool.submit(files.sha256, path)

    @contextmanager
    def following(self, path: Path, target: Path) -> Iterator[GrowingDigest]:
        """Compute the checksum of ``target`` while it is written as ``path``, in the block."""
        growing = GrowingDigest(path)
        self._growing.append(growing)
        yield growing
        self._sums[target] = growing.finish()

    def of(self, path: Path) -> str:
        """The checksum of a file, in hexadecimal."""
        self.take(path)
        return self._sums[path].result()
