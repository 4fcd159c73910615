"""The SHA-256 of results, computed on other cores while further results are made."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from aimager import files


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
        files.feed(self._digest, self._stream.fileno(), self._end, end)
        self._end = end
        return self._digest.hexdigest()


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
