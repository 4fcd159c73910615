"""The diary of one run of doit: which tasks ran, when, because of what, and what they were at."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from aimager.codec import decode, encode
from aimager.files import publish_text
from aimager.graph.console.events import Record


class Outcome(StrEnum):
    """What became of a task."""

    kept = "up to date"
    running = "running"
    done = "done"
    failed = "failed"


@dataclass(frozen=True)
class Span:
    """A step of a task; times in seconds since 1970."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Entry:
    """One task: ``title`` is what lines about it begin with, and ``reason`` why it ran.

    ``fault`` is what was said of its failure.
    """

    task: str
    title: str
    outcome: Outcome
    start: float
    end: float
    reason: str = ""
    steps: tuple[Span, ...] = ()
    fault: str = ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.start


@dataclass
class Diary:
    """Is told the records of a channel as they come."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def note(self, record: Record, now: float | None = None) -> None:
        """Take down what of a record is to be kept."""
        now = time.time() if now is None else now
        task = record.get("task", "")
        match record["event"]:
            case "kept":
                self.entries[task] = Entry(task, task, Outcome.kept, now, now)
            case "began":
                self._begun(task, now)
            case "reason":
                told = {"title": record["title"], "reason": record["reason"]}
                self.entries[task] = replace(self._begun(task, now), **told)
            case "step":
                self._begin_step(task, record["step"], now)
            case "done" | "failed" as event if task in self.entries:
                entry = _ended(self.entries[task], now)
                fault = record.get("fault", "")
                self.entries[task] = replace(entry, outcome=Outcome[event], end=now, fault=fault)

    def _begun(self, task: str, now: float) -> Entry:
        """The entry of a task that runs; what it says may come before that it began."""
        return self.entries.setdefault(task, Entry(task, task, Outcome.running, now, now))

    def _begin_step(self, task: str, name: str, now: float) -> None:
        entry = self._begun(task, now)
        if not entry.steps or entry.steps[-1].name != name:
            entry = _ended(entry, now)
            self.entries[task] = replace(entry, steps=(*entry.steps, Span(name, now, now)))

    def write(self, path: Path) -> None:
        """Publish it; `read_diary` reads it."""
        publish_text(path, json.dumps(encode(tuple(self.entries.values()))))


def _ended(entry: Entry, now: float) -> Entry:
    """The entry, its last step at an end."""
    if not entry.steps:
        return entry
    return replace(entry, steps=(*entry.steps[:-1], replace(entry.steps[-1], end=now)))


def read_diary(path: Path) -> tuple[Entry, ...]:
    """The tasks in the order in which they were come to; none where no diary was kept."""
    if not path.exists():
        return ()
    entries: tuple[Entry, ...] = decode(tuple[Entry, ...], json.loads(path.read_bytes()))
    return entries


def that_ran(entries: Iterable[Entry]) -> list[Entry]:
    """Those that make something, and were not up to date, and those that failed before that."""
    return [entry for entry in entries if entry.reason or entry.outcome is Outcome.failed]
