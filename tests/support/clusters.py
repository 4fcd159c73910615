"""Clusters for the tests, as ``doit cluster`` makes them: a scheduler and two workers here."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.places import ROOT
from tests.support.waiting import wait_until

WORKERS = 2


@dataclass
class Running:
    """A cluster with its caches in ``folder``; ``said`` are its lines."""

    folder: Path
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Take down what it says, to its end."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line)

    @property
    def words(self) -> tuple[str, ...]:
        """The words that send tasks to it."""
        (address,) = re.findall(r"listens at (\S+)", "".join(self.said))
        return f"workers={address}", f"cluster-tls={self.folder / 'cluster/tls'}"

    @property
    def caches(self) -> list[Path]:
        """The caches of its workers."""
        return [self.folder / f"cluster/worker-{number + 1}" for number in range(WORKERS)]

    @property
    def left(self) -> list[Path]:
        """What is at work there: folders of runs and of errands."""
        return [
            p for c in self.caches for name in ("work", "errands") for p in (c / name).glob("*")
        ]

    @property
    def errands(self) -> list[int]:
        """The processes that do errands."""
        return [number for worker in children(self.process.pid) for number in children(worker)]


def children(process: int) -> list[int]:
    """The processes that one has made, and that still are."""
    found = Path(f"/proc/{process}/task/{process}/children")
    if not found.exists():
        return []
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    numbers = [int(number) for task in tasks for number in task.read_text().split()]
    return [number for number in numbers if not _is_over(number)]


def _is_over(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@contextmanager
def cluster(folder: Path, *words: str, root: Path = ROOT) -> Iterator[Running]:
    """A cluster whose workers wait for tasks; after the block it has ended.

    Its code is that of the checkout ``root``.
    """
    argv = [sys.executable, "-m", "doit", "-f", str(root / "dodo.py"), "-n", str(WORKERS)]
    process = subprocess.Popen(
        [*argv, "cluster", "workers=127.0.0.1:0", *words],
        cwd=root,
        env={**os.environ, "AIMAGER_CACHE": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    running = Running(folder, process)
    threading.Thread(target=running.listen, daemon=True).start()
    try:
        wait_until(lambda: process.poll() is not None or _waiting(running) == WORKERS)
        assert process.poll() is None, running.said
        yield running
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait()


def _waiting(running: Running) -> int:
    return sum("waits for tasks" in line for line in list(running.said))
