"""The SHA-256 of results, taken on other cores while more of them are made."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from aimager import files


class GrowingDigest:
    """The sum of a file that is written from its start to its end, taken meanwhile."""

    def __init__(self, path: Path) -> None:
        self._pool = ThreadPoolExecutor(1)  # one: the sum is taken in the file's order
        self._stream = path.open("rb")
        self._digest = hashlib.sha256()
        self._end = 0

    def advance(self, end: int) -> Future[str]:
        """Take the bytes before ``end``, none of which will be written again; the sum so far."""
        return self._pool.submit(self._take, end)

    def finish(self) -> Future[str]:
        """The sum of all bytes of the file, which is complete."""
        return self.advance(os.fstat(self._stream.fileno()).st_size)

    def close(self) -> None:
        """Let go of the file, once what was begun is done."""
        self._pool.shutdown()
        self._stream.close()

    def _take(self, end: int) -> str:
        files.feed(self._digest, self._stream.fileno(), self._end, end)
        self._end = end
        return self._digest.hexdigest()


class Digests:
    """Takes the sums of files with so many ``threads``, which have ended after its block."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads)  # hashlib lets go of the interpreter
        self._growing: list[GrowingDigest] = []
        self._sums: dict[Path, Future[str]] = {}

    def __enter__(self) -> "Digests":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        for growing in self._growing:
            growing.close()

    def take(self, path: Path) -> None:
        """Begin to take the sum of a file that is complete, unless that was begun."""
        if path not in self._sums:
            self._sums[path] = self._pool.submit(files.sha256, path)

    @contextmanager
    def following(self, path: Path, target: Path) -> Iterator[GrowingDigest]:
        """Take the sum of ``target`` while it is written as ``path``; complete after the block."""
        growing = GrowingDigest(path)
        self._growing.append(growing)
        yield growing
        self._sums[target] = growing.finish()

    def of(self, path: Path) -> str:
        """The sum of a file, in hexadecimal."""
        self.take(path)
        return self._sums[path].result()
