"""The SHA-256 of what a worker makes, computed outside: by the builder, of its own open files.

The worker tells how far it has written a file, and asks for sums that it needs, on a socket whose
other end is the builder's, in lines of JSON::

    {"file": PATH, "end": N}     the bytes before N are final
    {"file": PATH}               it is complete; the answer is {"file": PATH, "sha256": SUM}
"""

import json
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aimager.digests import GrowingDigest
from aimager.sandbox.handed_files import HandedFile


class Summing:
    """The builder's side: ``found`` has the sums of files that have not changed since, by name."""

    def __init__(self, files: Sequence[HandedFile], worker: socket.socket) -> None:
        self.found: dict[str, str] = {}
        self._files = {str(file.target): file for file in files}
        self._worker = worker
        self._growing: dict[str, GrowingDigest] = {}
        self._finished: dict[str, tuple[Future[str], os.stat_result]] = {}
        self._lock = threading.Lock()

    def serve(self) -> None:
        """Do what the worker asks for, until it asks for no more."""
        with self._worker.makefile("rb") as asked, suppress(ConnectionResetError):
            for line in asked:
                message = json.loads(line)
                file = self._files[message["file"]]
                growing = self._follow(file)
                if "end" in message:
                    growing.advance(int(message["end"]))
                else:
                    self._finish(file, growing)

    def end(self) -> None:
        """See which sums are those of the files as they are now."""
        for name, growing in self._growing.items():
            growing.close()
            if name in self._finished:
                found, before = self._finished[name]
                after = os.fstat(self._files[name].descriptor)
                if _version(before) == _version(after):
                    self.found[Path(name).name] = found.result()

    def _follow(self, file: HandedFile) -> GrowingDigest:
        name = str(file.target)
        if name not in self._growing:
            self._growing[name] = GrowingDigest(file.temporary)
        return self._growing[name]

    def _finish(self, file: HandedFile, growing: GrowingDigest) -> None:
        before, result = os.fstat(file.descriptor), growing.finish()
        self._finished[str(file.target)] = result, before
        result.add_done_callback(lambda done: self._answer(file.target, done.result()))

    def _answer(self, target: Path, sum: str) -> None:
        line = json.dumps({"file": str(target), "sha256": sum}).encode() + b"\n"
        with self._lock, suppress(OSError):  # it wants it no more
            self._worker.sendall(line)


def _version(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


@contextmanager
def summing(files: Sequence[HandedFile]) -> Iterator[tuple[Summing, int]]:
    """Sum what is asked for in the block, by whoever has the descriptor that is yielded."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sums = Summing(files, ours)
        serving = threading.Thread(target=sums.serve, daemon=True)
        serving.start()
        try:
            yield sums, theirs.fileno()
        finally:
            theirs.close()
            serving.join()
            sums.end()


class AskedSums:
    """The worker's side (`aimager.digests.Sums`)."""

    def __init__(self, builder: socket.socket) -> None:
        self._builder = builder
        self._asked: dict[str, Future[str]] = {}
        self._lock = threading.Lock()
        self._reading = threading.Thread(
            target=self._read, args=(builder.makefile("rb"),), daemon=True
        )
        self._reading.start()

    def take(self, path: Path) -> None:
        """Ask for the sum of a complete file, unless that was done before."""
        with self._lock:
            if str(path) in self._asked:
                return
            self._asked[str(path)] = Future()
        self._send({"file": str(path)})

    @contextmanager
    def following(self, path: Path, target: Path) -> "Iterator[AskedGrowing]":
        """Have ``target`` summed while it is written, in the block, from its start."""
        self.tell(target, 0)
        yield AskedGrowing(self, target)
        self.take(target)

    def of(self, path: Path) -> str:
        """The sum of a complete file."""
        self.take(path)
        return self._asked[str(path)].result()

    def tell(self, path: Path, end: int) -> None:
        """Tell that the bytes of ``path`` before ``end`` are final."""
        self._send({"file": str(path), "end": end})

    def _send(self, message: dict[str, object]) -> None:
        with self._lock:
            self._builder.sendall(json.dumps(message).encode() + b"\n")

    def _read(self, answers: IO[bytes]) -> None:
        for line in answers:
            message = json.loads(line)
            self._asked[message["file"]].set_result(message["sha256"])


@dataclass(frozen=True)
class AskedGrowing:
    """A file that is summed elsewhere while it is written."""

    sums: AskedSums
    target: Path

    def advance(self, end: int) -> None:
        """Tell that the bytes before ``end`` are final."""
        self.sums.tell(self.target, end)


_channel: socket.socket | None = None


def connect(descriptor: int) -> None:
    """Let this process, a worker, ask for sums on that socket."""
    global _channel
    _channel = socket.socket(fileno=descriptor)


def asked_sums() -> AskedSums:
    """Who computes sums for this worker."""
    assert _channel, "a worker has a builder"
    return AskedSums(_channel)
