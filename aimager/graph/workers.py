"""The processes in which tasks run, each on the other end of a pipe; see `aimager.graph.runner`.

They end with the main process, whatever ends that.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Never

from aimager.graph.killed import told_signal
from aimager.sandbox import syscalls

_PATIENCE = 5
"""How much nicer (nice(2)) what is done ahead is than what is waited for."""

_FORKED = multiprocessing.get_context("fork")
"""Workers have the graph as it is here, which cannot be sent to them."""

Execute = Callable[[str], Any]
"""Runs the task of a name, and returns its failure; None: it has none."""


@dataclass
class Worker:
    """One of the processes, on the other end of ``pipe``; ``node`` is doit's of the task it runs.

    One that ``helps`` runs what leaves nothing, and no other does.
    ``took`` are the seconds that its tasks took, by name, and ``last`` is the one that ended last.
    """

    process: Any
    pipe: Connection
    helps: bool
    node: Any = None
    product: str = ""
    began: float = 0.0
    last: str = ""
    took: dict[str, float] = field(default_factory=dict)

    def made_for(self, task: Any) -> float:
        """How long it was at work on what ``task`` needs."""
        return sum(self.took.get(name, 0.0) for name in task.task_dep)

    def lost(self) -> str:
        """What to say of its last task, now that it is gone itself."""
        status, name = self.process.exitcode, self.last
        if status >= 0:
            return f"the process of {name} ended with status {status}"
        return str(told_signal(name, -status))


def hire(execute: Execute, others: Iterable[Worker], *, helps: bool) -> Worker:
    """Make a worker that does ``execute`` for each name it is sent, beside ``others``.

    One that ``helps`` is nicer than they are.
    """
    ours, theirs = _FORKED.Pipe()
    foreign = [*(worker.pipe for worker in others), ours]
    patience = _PATIENCE if helps else 0
    given = (execute, theirs, foreign, os.getpid(), patience)
    process = _FORKED.Process(target=_work, args=given, daemon=True)
    process.start()
    theirs.close()
    return Worker(process, ours, helps)


def _work(
    execute: Execute, pipe: Connection, foreign: list[Connection], parent: int, patience: int
) -> None:
    """Be a worker, until the main process has no more to do."""
    os.nice(patience)
    for other in foreign:
        other.close()
    signal.signal(signal.SIGINT, _leave_to_main)
    signal.signal(signal.SIGTERM, _interrupt_once)
    end_with(parent)
    try:
        while True:
            pipe.send(execute(pipe.recv()))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        sys.stdout.flush()


def end_with(parent: int, how: int = signal.SIGKILL) -> None:
    """Have the kernel end this process when ``parent``, which has made it, ends (prctl(2))."""
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, how)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _leave_to_main(*_: object) -> None:
    """Do nothing on Ctrl-C, which the main process is told of as well."""


def _interrupt_once(*_: object) -> Never:
    """Let what is under way be undone, undisturbed by whoever sends the signal again."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt
