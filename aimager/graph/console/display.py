"""Showing what tasks say: on a terminal with a line for what is going on, elsewhere plain lines."""

import os
import time
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

from tqdm import tqdm

from aimager.graph.console.events import Record
from aimager.graph.console.line_forms import bar_format, clock, folded
from aimager.units import size

PLAIN_PAUSE = 10.0
"""Seconds between two lines of one task that only say how far it is."""

_QUICK = 0.3  # seconds after which a task gets a line of its own
_NEVER = 1e9  # seconds: tqdm is to draw nothing before it knows all
_UNKNOWN_WIDTH = 78
_BOLD, _RED, _RESET = "\x1b[1m", "\x1b[31m", "\x1b[0m"
_CLEAR = "\r\x1b[J"
"""To the line's beginning, and erase all from there on (ECMA-48, ED)."""


class Display(Protocol):
    """Where the records of a channel are shown."""

    def show(self, record: Record) -> None:
        """Show one."""

    def tick(self) -> None:
        """Called some times a second: time goes on."""

    def close(self) -> None:
        """Leave nothing that is only for a while."""


def choose_display(stream: IO[str]) -> Display:
    """A line that changes where ``stream`` is a terminal that can, else plain lines."""
    if stream.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb"):
        return Live(stream, colours=not os.environ.get("NO_COLOR"))
    return Plain(stream)


_NOWHERE: Record = {"step": "", "done": 0, "total": 0, "unit": "", "detail": ""}


@dataclass
class _Running:
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


def _running(tasks: dict[str, _Running], task: str, now: float) -> _Running:
    """The task of this name; what another process says may come before that it began."""
    return tasks.setdefault(task, _Running(task, now, step_start=now, said=now))


def _text(record: Record, tasks: dict[str, _Running]) -> str:
    """A line, with the task that says it where several could."""
    running = tasks.get(record["task"])
    text: str = record["text"]
    return f"{text} ({running.title})" if running and len(tasks) > 1 else text


@dataclass
class Plain:
    """Lines that stay: for files, pipes and terminals that can do no more."""

    stream: IO[str]
    running: dict[str, _Running] = field(default_factory=dict)

    def show(self, record: Record) -> None:
        """Print what it comes to."""
        task = record.get("task", "")
        now = time.monotonic()
        match record["event"]:
            case "began":
                if task not in self.running:
                    self._print(f".  {task}")
                _running(self.running, task, now)
            case "kept":
                self._print(f"-- {task}")
            case "text":
                self._print(_text(record, self.running))
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
        running = _running(self.running, record["task"], now)
        running.take(record, now)
        if running.step["step"] and now - running.said >= PLAIN_PAUSE:
            running.said = now
            where = plain_step(running.step, now - running.step_start)
            self._print(f"   {running.title} is at {where}")

    def _print(self, line: str) -> None:
        self.stream.write(f"{line}\n")
        self.stream.flush()


def plain_step(step: Record, seconds: float) -> str:
    """How far a step is that began so many seconds ago."""
    done, total, words = step["done"], step["total"], step["step"]
    if step["unit"] == "B":
        rate = f", {size(done / seconds)}/s" if seconds > 0 and done > 0 else ""
        words += f": {100 * done // total} % of {size(total)}" if total else ""
        words += f": {size(done)}" if not total else ""
        words += rate
    elif total:
        words += f": {done} of {total}"
    return f"{words}, {step['detail']}" if step["detail"] else words


class Live:
    """A terminal: what is done stands above, and below it a line for each task that runs.

    The cursor rests at the beginning of the first of them: there it stays when a terminal becomes
    narrower and breaks lines anew, so that all of them can be erased.
    """

    def __init__(self, stream: IO[str], *, colours: bool) -> None:
        tqdm.monitor_interval = 0  # no thread of its own
        self.stream = stream
        self.colours = colours
        self.running: dict[str, _Running] = {}
        self.bars: dict[str, tqdm[Any]] = {}
        self.columns = self._columns()
        self.total = self.ended = 0

    def show(self, record: Record) -> None:
        """Print it, or let the lines below tell it."""
        task = record.get("task", "")
        now = time.monotonic()
        self._fit()
        match record["event"]:
            case "total":
                self.total = int(record["count"])
            case "began":
                _running(self.running, task, now)
            case "text":
                self._tell(record)
            case "kept":
                self.ended += 1
            case "done" | "failed" as event if task in self.running:
                self.ended += 1
                self._end(task, event, now)
            case "reason" | "step":
                anew = _running(self.running, task, now).take(record, now)
                if task in self.bars:
                    self._draw(task, anew=anew)
        self._rest()

    def tick(self) -> None:
        """Let the clocks go on, and give tasks that are not quick a line."""
        now = time.monotonic()
        self._fit()
        for task, running in self.running.items():
            if task in self.bars:
                self.bars[task].refresh()
            elif running.reason and now - running.start >= _QUICK:
                self.bars[task] = self._bar()
                self._draw(task, anew=True)
        self._rest()

    def close(self) -> None:
        """Remove the lines of tasks that run no more, and print what they have said."""
        for bar in self.bars.values():
            bar.close()
        if self.bars:
            self.stream.write(_CLEAR)
            self.stream.flush()
        self.bars.clear()
        for running in self.running.values():
            self._print_texts(running)
        self.running.clear()

    def _bar(self) -> "tqdm[Any]":
        bar: tqdm[Any] = tqdm(
            file=self.stream,
            ncols=self.columns,
            leave=False,
            mininterval=_QUICK / 3,
            miniters=1,
            delay=_NEVER,
        )
        bar.delay = 0
        return bar

    def _draw(self, task: str, *, anew: bool) -> None:
        """Let the task's line show what it is at; ``anew`` if that is another step than before."""
        bar, running = self.bars[task], self.running[task]
        step = running.step
        title = running.title if len(self.running) > 1 else running.title.partition(":")[0]
        told = f"{title}: {step['step']}" if step["step"] else title
        bar.set_description_str(told, refresh=False)
        bar.set_postfix_str(step["detail"], refresh=False)
        if anew:
            bar.unit, bar.unit_scale = step["unit"], step["unit"] == "B"
            bar.bar_format = bar_format(step)
            bar.total = step["total"] or None
            bar.reset()
            bar.start_t -= time.monotonic() - running.step_start
        bar.update(step["done"] - bar.n)

    def _end(self, task: str, event: str, now: float) -> None:
        running = self.running.pop(task)
        if task in self.bars:
            self.bars.pop(task).close()
        if not running.reason:  # what makes nothing speaks for itself
            return
        title = running.title
        told = f"{title}: {'failed; ' * (event == 'failed')}{running.reason}"
        line = folded(f"{self._count()}{clock(now - running.start):>6}  ", told, self.columns)
        if self.colours:
            colour = _RED if event == "failed" else _BOLD
            line = line.replace(title, f"{colour}{title}{_RESET}", 1)
        self._print(line)
        self._print_texts(running)

    def _count(self) -> str:
        """How many tasks have ended, of how many."""
        total = str(self.total)
        return f"{self.ended:>{len(total)}} of {total} " if self.total else ""

    def _tell(self, record: Record) -> None:
        """Print a line, or keep it for below that of the task which says it, once that is there."""
        running = self.running.get(record["task"])
        if running and running.reason:
            running.texts.append(record["text"])
        else:
            self._print(_text(record, self.running))

    def _print_texts(self, running: _Running) -> None:
        for text in running.texts:
            self._print(text)

    def _columns(self) -> int:
        """The terminal's width now, less what the terminal itself prints for Ctrl-C."""
        columns = os.get_terminal_size(self.stream.fileno()).columns
        return max(columns - 2, 1) if columns else _UNKNOWN_WIDTH

    def _fit(self) -> None:
        """Draw all lines anew where the terminal's width is another than when they were drawn."""
        before, self.columns = self.columns, self._columns()
        if self.bars and self.columns != before:
            self.stream.write(_CLEAR)
            for bar in self.bars.values():
                bar.ncols = self.columns
                bar.sp = bar.status_printer(self.stream)  # else blanks follow, for the longer line
                bar.refresh()

    def _rest(self) -> None:
        if self.bars:
            self.stream.write("\r")
            self.stream.flush()

    def _print(self, line: str) -> None:
        self.stream.write("\r")  # of several bars, the last need not have been the lowest
        tqdm.write(line, file=self.stream)
        self.stream.flush()
