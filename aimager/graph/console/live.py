"""Showing what tasks say on a terminal, with lines that change for what is going on."""

import os
import time
from typing import IO, Any

from tqdm import tqdm

from aimager.graph.console.display import Running, find_running, worded
from aimager.graph.console.events import Record
from aimager.graph.console.line_forms import bar_format, clock, folded

_QUICK = 0.3  # seconds after which a task gets a line of its own
_NEVER = 1e9  # seconds: tqdm is to draw nothing before it knows all
_UNKNOWN_WIDTH = 78
_BOLD, _RED, _RESET = "\x1b[1m", "\x1b[31m", "\x1b[0m"
_CLEAR = "\r\x1b[J"
"""To the line's beginning, and erase all from there on (ECMA-48, ED)."""


class Live:
    """A terminal: what is done stands above, and below it a line for each task that runs.

    The cursor rests at the beginning of the first of them: there it stays when a terminal becomes
    narrower and breaks lines anew, so that all of them can be erased.
    """

    def __init__(self, stream: IO[str], *, colours: bool) -> None:
        tqdm.monitor_interval = 0  # no thread of its own
        self.stream = stream
        self.colours = colours
        self.running: dict[str, Running] = {}
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
                find_running(self.running, task, now)
            case "text":
                self._tell(record)
            case "kept":
                self.ended += 1
            case "done" | "failed" as event if task in self.running:
                self.ended += 1
                self._end(task, event, now)
            case "reason" | "step":
                anew = find_running(self.running, task, now).take(record, now)
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
            self._print(worded(record, self.running))

    def _print_texts(self, running: Running) -> None:
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
