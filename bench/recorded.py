"""``python -m bench.recorded FILE WORD ...``: doit, and in FILE when each step of the run began.

A line of it is `Moment` in JSON.
"""

import json
import os
import runpy
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO
from unittest.mock import patch

from aimager.graph.console import monitor
from aimager.graph.console.events import Record
from aimager.graph.console.history import Diary
from bench.sample import cpu_below

_TOLD = ("began", "step", "done", "failed")


@dataclass(frozen=True)
class Moment:
    """A record of a task, when it came and what had been used: ``time`` in seconds since 1970.

    ``cpu`` are the seconds of CPU of doit's process and all below, ``event`` is the record's, or
    ``start`` or ``end`` of the whole.
    """

    time: float
    cpu: float
    event: str
    task: str = ""
    step: str = ""


@dataclass
class Recorder(Diary):
    """A diary that also writes each moment to ``stream``."""

    stream: IO[str] = sys.stderr

    def note(self, record: Record, now: float | None = None) -> None:
        """Take down what of a record is to be kept."""
        if record["event"] in _TOLD:
            step = record.get("step", "")
            write(self.stream, record["event"], record.get("task", ""), step)
        super().note(record, now)


def write(stream: IO[str], event: str, task: str = "", step: str = "") -> None:
    """Write that this is a moment of an event."""
    moment = Moment(time.time(), cpu_below(os.getpid()), event, task, step)
    stream.write(f"{json.dumps(asdict(moment))}\n")


def read_moments(path: Path) -> list[Moment]:
    """What was written to a file."""
    return [Moment(**json.loads(line)) for line in path.read_text().splitlines()]


def main() -> None:
    """Run doit as its own module does."""
    name, *words = sys.argv[1:]
    with (
        Path(name).open("w") as stream,
        patch.object(monitor, "Diary", lambda: Recorder(stream=stream)),
    ):
        write(stream, "start")
        sys.argv = ["doit", *words]
        try:
            runpy.run_module("doit", run_name="__main__", alter_sys=True)
        finally:
            write(stream, "end")


if __name__ == "__main__":
    main()
