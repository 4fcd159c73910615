"""doit's reporter: what doit and all tasks say comes to one audience."""

import sys
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, TextIO

from aimager.graph import artifacts
from aimager.graph.console.history import Entry
from aimager.graph.console.monitor import Audience

PRINTS = "prints"
"""What marks, in its ``meta``, a task whose output is for programs to read. In a run for one,
all else that is said goes to standard error."""


class Reporter:
    """Has the interface of doit's reporters, and says the words of its `ConsoleReporter`."""

    desc = "lines for what is done and, on a terminal, for what is going on"

    def __init__(self, outstream: TextIO | None, options: Mapping[str, Any]) -> None:
        self._outstream = outstream or sys.stdout  # None: it was closed when Python began
        self._errors: list[str] = []
        self._has_failed = False

    def initialize(self, tasks: Mapping[str, Any], selected_tasks: list[str]) -> None:
        """Be told of the run before it begins, and before doit makes processes for it."""
        prints = any(_prints(tasks[name]) for name in selected_tasks if name in tasks)
        stream = sys.stderr if prints else self._outstream
        self._audience = Audience(stream, artifacts.RUN, artifacts.diary())
        sys.excepthook = _tell_exception
        self._audience.post("total", count=str(_count_all(tasks, selected_tasks)))

    def get_status(self, task: Any) -> None:
        """Be asked about before doit looks whether ``task`` is up to date."""
        self._audience.catch_up()

    def execute_task(self, task: Any) -> None:
        """Be told that it begins; groups of tasks have nothing to do."""
        self._audience.listen()
        if task.actions and not _prints(task):
            self._audience.post("began", task.name)
            self._audience.catch_up()

    def add_success(self, task: Any) -> None:
        """Be told that it ended well."""
        if not _prints(task):
            self._audience.post("done", task.name)

    def add_failure(self, task: Any, fail: Any) -> None:
        """Be told that it failed."""
        if _prints(task):
            sys.stderr.write(f"{fail.get_msg()}\n")
            return
        self._has_failed = True
        self._audience.post("failed", task.name, fault=fail.get_msg().strip())
        if fail.report:
            self._say(f"{fail.get_name()} - taskid:{task.name}")
            self._say(fail.get_msg())

    def skip_uptodate(self, task: Any) -> None:
        """Be told that it need not run."""
        self._audience.post("kept", task.name)

    def skip_ignore(self, task: Any) -> None:
        """Be told that the user wants it left out."""
        self._say(f"!! {task.name}")

    def cleanup_error(self, exception: Any) -> None:
        """Be told of a failure after a task."""
        self._say(exception.get_msg())

    def runtime_error(self, msg: str) -> None:
        """Be told of a failure of doit's own, to say so at the end."""
        self._errors.append(msg)

    def teardown_task(self, task: Any) -> None:
        """Be told that something is done after a task."""

    def complete_run(self) -> None:
        """Be told that all is over, however it ended."""
        for message in self._errors:
            self._say(message)
        if self._has_failed:
            self._say(self.tell_of_failure(self._audience.entries()))
        self._audience.close()

    def tell_of_failure(self, entries: Sequence[Entry]) -> str:
        """What more is to be said at the end of a run in which tasks failed."""
        return ""

    def _say(self, text: str) -> None:
        for line in text.splitlines():
            self._audience.post("text", text=line)


def reporter(tell_of_failure: Callable[[Sequence[Entry]], str]) -> type[Reporter]:
    """The reporter that says at the end of a run that failed what ``tell_of_failure`` returns."""

    class Telling(Reporter):
        def tell_of_failure(self, entries: Sequence[Entry]) -> str:
            return tell_of_failure(entries)

    return Telling


def _count_all(tasks: Mapping[str, Any], selected: Sequence[str]) -> int:
    """How many tasks do something, of those that are ``selected`` and of all that they need."""
    found, waiting = set[str](), list(selected)
    while waiting:
        name = waiting.pop()
        if name in tasks and name not in found:
            found.add(name)
            waiting += [*tasks[name].task_dep, *tasks[name].setup_tasks]
    return sum(bool(tasks[name].actions) and not _prints(tasks[name]) for name in found)


def _prints(task: Any) -> bool:
    return bool((task.meta or {}).get(PRINTS))


def _tell_exception(
    kind: type[BaseException], error: BaseException, where: TracebackType | None
) -> None:
    """Tell of what ends doit: of Ctrl-C in a word, of a bug by its traceback."""
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, where)
