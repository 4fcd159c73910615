"""Clusters on this machine, and builds that they are sent the tasks of."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.lab import ROOT

_STARTING = 60.0
_PAUSE = 0.1
"""Seconds for a cluster to be ready at most, and between two looks."""


Started = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Build:
    """A build that has ended: its exit ``status``, what it ``said``, and seconds of it."""

    status: int
    said: str
    seconds: float
    cpu: float


@dataclass(frozen=True)
class ClusterLab:
    """A ``folder`` with ``fleet.toml``, caches, results and a store; ``words`` name a mirror."""

    folder: Path
    words: tuple[str, ...]

    def doit(self, cache: str, *words: str, apart: bool = False) -> Started:
        """Start doit on a cache of this name; what it says is in a file beside that.

        A Ctrl-C reaches it only where it is not ``apart``.
        """
        with (self.folder / f"{cache}.said").open("wb") as stream:
            return subprocess.Popen(
                [sys.executable, "-m", "doit", "-f", str(ROOT / "dodo.py"), *words],
                cwd=ROOT,
                env={**os.environ, "AIMAGER_CACHE": str(self.folder / cache)},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=apart,
            )

    def start(self, cache: str, *options: str, words: Sequence[str] = ()) -> Started:
        """Start a build of the file, whose results lie beside the cache of this name."""
        named = (f"builds={self.folder}/fleet.toml", f"out={self.folder}/{cache}.out")
        return self.doit(cache, *options, "build", *named, *self.words, *words)

    def build(self, cache: str, *options: str, words: Sequence[str] = ()) -> Build:
        """Build the file, and wait for the end."""
        begin = time.monotonic()
        process = self.start(cache, *options, words=words)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - begin
        return Build(process.returncode, self.said(cache), seconds, usage.ru_utime + usage.ru_stime)

    def said(self, name: str) -> str:
        """What a build or a cluster has said so far."""
        return (self.folder / f"{name}.said").read_text(errors="replace")

    def sums(self, cache: str) -> dict[str, str]:
        """By the builds' names, the SHA-256 of their images, as the results tell."""
        sums = (self.folder / f"{cache}.out").glob("*/SHA256SUMS")
        return {path.parent.name: path.read_text().partition(" ")[0] for path in sums}


@dataclass(frozen=True)
class Cluster:
    """A cluster at ``address``, with so many ``workers``, which lie in ``folder``."""

    process: Started
    folder: Path
    address: str
    workers: int
    store: Path

    @property
    def words(self) -> tuple[str, ...]:
        """What sends tasks to it."""
        store = (f"remote={self.store}", "remote-unsigned=yes")
        return f"workers={self.address}", f"cluster-tls={self.folder}/cluster/tls", *store


@contextmanager
def running_cluster(lab: ClusterLab, workers: int) -> Iterator[Cluster]:
    """A cluster whose workers wait for tasks; it is ended after the block."""
    words = ("-n", str(workers), "cluster", "workers=127.0.0.1:0")
    process = lab.doit("machines", *words, apart=True)
    try:
        end = time.monotonic() + _STARTING
        while lab.said("machines").count("waits for tasks") < workers:
            assert process.poll() is None and time.monotonic() < end, lab.said("machines")
            time.sleep(_PAUSE)
        (address,) = re.findall(r"listens at (\S+)", lab.said("machines"))
        yield Cluster(process, lab.folder / "machines", address, workers, lab.folder / "store")
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait()
