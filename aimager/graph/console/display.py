"""Showing what tasks say: on a terminal with a line for what is going on, elsewhere plain lines."""

import json
import time
from dataclasses import dataclass, field
from typing import IO, Protocol

from aimager.graph.console.events import Record
from aimager.units import duration, size

PLAIN_PAUSE = 10.0
"""Seconds between two lines of one task that only say how far it is."""


class Display(Protocol):
    """Where the records of a channel are shown."""

    def show(self, record: Record) -> None:
        """Show one."""

    def tick(self) -> None:
        """Called some times a second: time goes on."""

    def close(self) -> None:
        """Leave nothing that is only for a while."""


_NOWHERE: Record = {"step": "", "done": 0, "total": 0, "unit": "", "detail": ""}


@dataclass
class Running:
    """A task that runs: since when, and what was said of it; times of time.monotonic().

    ``said`` is when it last said how far it is, and ``texts`` are for below its own line.
    """

    title: str
    start: float
    reason: str = ""
    step: Record = field(default_factory=_NOWHERE.copy)
    step_start: float = 0.0
    said: float = 0.0
    texts: list[str] = field(default_factory=list)

    def take(self, record: Record, now: float) -> bool:
        """Remember a record; returns whether it begins another step."""
        if record["event"] == "reason":
            self.title, self.reason = record["title"], record["reason"]
            return False
        before, self.step = self.step, record
        anew = any(before[name] != record[name] for name in ("step", "total", "unit"))
        if anew:
            self.step_start = now
        return anew


def find_running(tasks: dict[str, Running], task: str, now: float) -> Running:
    """The task of this name; what another process says may come before that it began."""
    return tasks.setdefault(task, Running(task, now, step_start=now, said=now))


def worded(record: Record, tasks: dict[str, Running]) -> str:
    """A line, with the task that says it where several could."""
    running = tasks.get(record["task"])
    text: str = record["text"]
    return f"{text} ({running.title})" if running and len(tasks) > 1 else text


@dataclass
class Plain:
    """Lines that stay: for files, pipes and terminals that can do no more."""

    stream: IO[str]
    running: dict[str, Running] = field(default_factory=dict)

    def show(self, record: Record) -> None:
        """Print what it comes to."""
        task = record.get("task", "")
        now = time.monotonic()
        match record["event"]:
            case "began":
                if task not in self.running:
                    self._print(f".  {task}")
                find_running(self.running, task, now)
            case "kept":
                self._print(f"-- {task}")
            case "text":
                self._print(worded(record, self.running))
            case "reason":
                self._print(f"{record['title']}: {record['reason']}")
                self._take(record, now)
            case "step":
                self._take(record, now)
            case "done" | "failed":
                self.running.pop(task, None)

    def tick(self) -> None:
        """Nothing here changes with the time."""

    def close(self) -> None:
        """All lines stay."""

    def _take(self, record: Record, now: float) -> None:
        running = find_running(self.running, record["task"], now)
        running.take(record, now)
        if running.step["step"] and now - running.said >= PLAIN_PAUSE:
            running.said = now
            where = plain_step(running.step, now - running.step_start)
            self._print(f"   {running.title} is at {where}")

    def _print(self, line: str) -> None:
        self.stream.write(f"{line}\n")
        self.stream.flush()


@dataclass
class Relayed:
    """Records in lines of JSON, for the machine that shows them."""

    stream: IO[str]

    def show(self, record: Record) -> None:
        """Pass it on."""
        self.stream.write(f"{json.dumps(record)}\n")
        self.stream.flush()

    def tick(self) -> None:
        """Who shows them has a clock."""

    def close(self) -> None:
        """All has been passed on."""


def plain_step(step: Record, seconds: float) -> str:
    """How far a step is that began so many seconds ago."""
    done, total, words = step["done"], step["total"], step["step"]
    if step["unit"] == "B":
        rate = f", {size(done / seconds)}/s" if seconds > 0 and done > 0 else ""
        if rate and done < total:
            rate += f", {duration(seconds * (total - done) / done)} left"
        words += f": {100 * done // total} % of {size(total)}" if total else ""
        words += f": {size(done)}" if not total else ""
        words += rate
    elif total:
        words += f": {done} of {total}"
    return f"{words}, {step['detail']}" if step["detail"] else words
