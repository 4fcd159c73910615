"""The graph as doit loads it, for a command line that doit has parsed."""

import fnmatch
import gc
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from doit.cmd_base import ModuleTaskLoader

from aimager.cluster.errand import Errand
from aimager.commands.command_line import Asked, unknown_task
from aimager.graph.doit_tasks import Graph
from aimager.memory import most_jobs
from aimager.places import own
from aimager.sandbox.namespace import get_ready

_GRAPH = "aimager.dodo"


class Loader(ModuleTaskLoader):
    """Loads dodo.py once a command of doit's knows what is asked of it.

    Relative paths of the user start at ``folder``; ``options`` are those before doit's command.
    """

    asked: ClassVar[Asked | None] = None
    """What the command line asks for; None: doit has not parsed it, or runs without us."""

    errand: ClassVar[Errand | None] = None
    """What a worker of a cluster is to do, with the lock file ``errand_lock``."""
    errand_lock: ClassVar[Path | None] = None

    tasks: ClassVar[dict[str, Any]] = {}
    """doit's tasks by name, once they are loaded."""

    def __init__(self, folder: Path, options: Iterable[Mapping[str, Any]] = ()) -> None:
        super().__init__({})
        self.cmd_options = tuple(options)
        self.assignments: dict[str, str] = {}
        self._folder = folder

    @property
    def graph(self) -> Graph:
        """The graph of the tasks, once it is loaded."""
        graph: Graph = self.namespace["GRAPH"]
        return graph

    def ask(self, command: str, words: Sequence[str], options: Mapping[str, Any]) -> None:
        """Note what is asked for: a ``command`` of doit's, and what its parser made of the rest."""
        Loader.asked = Asked(
            folder=self._folder,
            command=command,
            words=tuple(words),
            assignments=self.assignments,
            jobs=max(int(options.get("num_process") or 0), 0)
            or most_jobs(len(os.sched_getaffinity(0))),
            always=bool(options.get("always")),
            single=bool(options.get("single")),
            errand=self.errand,
            lock=self.errand_lock,
        )

    def setup(self, opt_values: Mapping[str, Any]) -> None:
        """Load dodo.py, which finds in `asked` what it is to make tasks for."""
        if first := _first_module(self.asked):
            get_ready(first)  # it takes as long as the graph
        # Under a name of its own: where doit came first, ``dodo`` is the module that called us.
        spec = importlib.util.spec_from_file_location(_GRAPH, own("dodo.py"))
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[_GRAPH] = module
        with _all_stays():
            spec.loader.exec_module(module)
        self.namespace = vars(module)

    def load_tasks(self, cmd: Any, pos_args: list[str]) -> list[Any]:
        """doit's tasks.

        :raises ConfigError: when a name is not that of a task, or matches none; ``run`` finds out
            by itself what is not a pattern, and may be the name of a file
        """
        tasks: list[Any] = super().load_tasks(cmd, pos_args)
        Loader.tasks = {task.name: task for task in tasks}
        for name in pos_args:
            if name.startswith("-"):
                continue
            if "*" in name:
                known = bool(fnmatch.filter(self.tasks, name))
            else:
                known = cmd.get_name() == "run" or name in self.tasks
            if not known:
                raise unknown_task(name, self.tasks)
        return tasks


@contextmanager
def _all_stays() -> Iterator[None]:
    """Collect no garbage in the block, and never look for any among what exists at its end."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_enabled:
            gc.enable()


def _first_module(asked: Asked | None) -> str:
    """What is called first in a namespace where that is to be expected; empty: nothing is."""
    if asked and asked.words[:1] == ("personalise",):
        return "aimager.stages.personalise"
    return "aimager.packages.fetch_database" if asked and asked.is_for_build else ""


def list_tasks() -> dict[str, str]:
    """What the tasks do that are not part of another one, by their names, once they are loaded."""
    return {name: task.doc for name, task in Loader.tasks.items() if not task.subtask_of}
