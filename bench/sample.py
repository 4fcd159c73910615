"""What one run of something costs: time, memory of our own processes, bytes written to disk."""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_PAUSE = 0.02
"""Seconds between two looks at the processes; the kernel keeps the highest value itself."""


@dataclass(frozen=True)
class Sample:
    """``seconds`` on the clock, ``cpu`` of all processes started, ``peak``, ``written`` in bytes.

    ``peak`` is the highest resident memory of a single Python process. ``written`` is what was
    caused to be written to a disk (proc_pid_io(5)), so nothing that went to a tmpfs.
    """

    seconds: float
    cpu: float
    peak: int
    written: int


def measure(action: Callable[[], None]) -> Sample:
    """Do ``action``, whose processes must all have ended and been waited for by their parents."""
    cpu, written, start = _cpu(), _written(), time.monotonic()
    with _watched() as peak:
        action()
    seconds = time.monotonic() - start
    return Sample(seconds, _cpu() - cpu, peak.highest, _written() - written)


def _cpu() -> float:
    """What all processes below this one have used; what measures and serves is not in it."""
    own = os.times()
    return cpu_below(os.getpid()) - own.user - own.system


def _written() -> int:
    """What this process and all its children that were waited for have written."""
    return numbers(Path("/proc/self/io").read_text())["write_bytes"]


def numbers(text: str) -> dict[str, int]:
    """The lines ``Name: 12`` and ``Name: 12 kB`` of a file of /proc, the latter in bytes."""
    found = re.findall(r"^(\w+):\s+(\d+)( kB)?$", text, re.MULTILINE)
    return {name: int(number) * (1024 if unit else 1) for name, number, unit in found}


def descendants(parents: Mapping[int, int], root: int) -> set[int]:
    """All processes below ``root``, by each one's parent."""
    found: set[int] = set()
    level = {root}
    while level:
        level = {child for child, parent in parents.items() if parent in level} - found
        found |= level
    return found


@dataclass
class _Peak:
    over: threading.Event = field(default_factory=threading.Event)
    highest: int = 0

    def watch(self) -> None:
        while not self.over.wait(_PAUSE):
            self.highest = max(self.highest, *_python_memory(), 0)


@contextmanager
def _watched() -> Iterator[_Peak]:
    peak = _Peak()
    thread = threading.Thread(target=peak.watch)
    thread.start()
    try:
        yield peak
    finally:
        peak.over.set()
        thread.join()


def _python_memory() -> list[int]:
    """The highest resident memory so far of each Python process below this one."""
    texts = dict(_read_all("status"))
    parents = {process: numbers(text).get("PPid", 0) for process, text in texts.items()}
    ours = descendants(parents, os.getpid())
    return [
        numbers(texts[process]).get("VmHWM", 0)
        for process in ours
        if texts[process].startswith("Name:\tpython")
    ]


def cpu_below(root: int) -> float:
    """Seconds of CPU of a process and all below it, also those that ended (proc_pid_stat(5))."""
    fields = stat_fields()
    parents = {process: int(values[1]) for process, values in fields.items()}
    ticks = sum(
        int(value)
        for process in {root, *descendants(parents, root)} & fields.keys()
        for value in fields[process][11:15]
    )
    return ticks / os.sysconf("SC_CLK_TCK")


def stat_fields() -> dict[int, list[str]]:
    """What proc_pid_stat(5) has behind the name of each process: its state, its parent and more."""
    return {process: text.rpartition(")")[2].split() for process, text in _read_all("stat")}


def _read_all(name: str) -> Iterator[tuple[int, str]]:
    """A file of each process's, by its id."""
    for path in Path("/proc").glob(f"[0-9]*/{name}"):
        with suppress(OSError):  # it has just ended
            yield int(path.parent.name), path.read_text()
