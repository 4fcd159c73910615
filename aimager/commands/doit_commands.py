"""doit's own commands, with what they say of mistakes, and of a cache in place of a database."""

import io
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from functools import cached_property, partial, wraps
from typing import Any, Never

from doit import cmd_run
from doit.cmd_base import Command
from doit.cmd_clean import Clean as DoitClean
from doit.cmd_completion import TabCompletion as DoitTabCompletion
from doit.cmd_forget import Forget as DoitForget
from doit.cmd_help import Help as DoitHelp
from doit.cmd_info import Info as DoitInfo
from doit.cmd_list import List as DoitList
from doit.cmd_run import Run as DoitRun
from doit.cmdparse import CmdParseError
from doit.exceptions import InvalidCommand, InvalidDodoFile, InvalidTask

from aimager.commands.command_line import (
    BUILD,
    COMPARING,
    TROUBLE,
    Asked,
    unknown_option,
    unknown_task,
)
from aimager.commands.doit_loader import Loader
from aimager.commands.listing import list_variables
from aimager.errors import AimagerError, ConfigError, explain_system_error
from aimager.graph.actions import while_read
from aimager.graph.away import Away
from aimager.graph.runner import SideBySide
from aimager.products.dry_run import UP_TO_DATE
from aimager.products.task import CachedTask
from aimager.resources import read_data


class Ours(Command):
    """A command that tells what is wrong in a sentence, and ends with status 1."""

    loader: Any

    def parse_execute(self, in_args: list[str]) -> Any:
        """Parse the words behind the command's name, and do it."""
        try:
            return while_read(super().parse_execute, in_args)
        except (CmdParseError, InvalidCommand, InvalidDodoFile, InvalidTask) as error:
            _refuse(self._explain(error))
        except AimagerError as error:
            _refuse(error)
        except OSError as error:
            mendable = explain_system_error(error)
            if mendable is None:
                raise
            _refuse(mendable)

    def execute(self, params: Any, args: list[str]) -> Any:
        """Load the tasks for what was asked, and do it."""
        if isinstance(self.loader, Loader):
            self.loader.ask(self.get_name(), args, params)
        return super().execute(params, args)

    def _explain(self, error: Exception) -> ConfigError:
        """What doit's parser or its choice of tasks complains of, in our words."""
        told = str(error).partition(" (parsing")[0]
        tasks = Loader.tasks
        asked = Loader.asked
        if name := getattr(error, "not_found", None):
            first = asked is not None and asked.words[:1] == (name,)
            return unknown_task(name, tasks, [it.get_name() for it in COMMANDS] if first else ())
        if asked and told.startswith("Error parsing Task: option "):
            return unknown_option(told.rpartition("option ")[2], asked.words, tasks)
        sentence = " ".join(told.removeprefix("Error parsing Command: ").split())
        return ConfigError(
            f"doit {self.get_name()}: {sentence}",
            hint=f"doit help {self.get_name()} explains its options",
        )


def _refuse(error: AimagerError) -> Never:
    if Loader.asked and not COMPARING.isdisjoint(Loader.asked.words):
        print(f"ERROR: {error}", file=sys.stderr)
        raise SystemExit(TROUBLE) from error
    raise SystemExit(f"ERROR: {error}") from error


_JOBS = (
    "how many tasks run at the same time; 0: as many as there are cores, where memory allows"
    " [default: %(default)s]"
)


class Run(Ours, DoitRun):
    """Run tasks, those that do not need each other at the same time."""

    cmd_options = tuple(
        {**option, "help": _JOBS} if option["name"] == "num_process" else option
        for option in DoitRun.cmd_options
    )

    @wraps(DoitRun._execute)
    def _execute(self, **options: Any) -> int:
        asked = Loader.asked
        if asked and options["par_type"] == "process":
            options["num_process"] = 0
            # doit has no other place where to say which runner it is to take.
            jobs = 1 if asked.expected else asked.jobs  # the others are on the same machine
            cmd_run.Runner = partial(SideBySide, jobs=jobs, away=self._away(asked))
        return int(super()._execute(**options))

    def _away(self, asked: Asked) -> Away | None:
        """The cluster that tasks are sent to, if one is named; what is made anew is made here."""
        found = getattr(self.loader, "namespace", {}).get("BUILDS", ())
        cluster = found[0].workers if found else None
        if cluster is None or asked.always:
            return None
        from aimager.commands.sending import make_away

        return make_away(cluster, self.loader.graph, asked, self.loader.namespace["PLANS"])


_CONFIGURED = re.compile(r"\s*\(config:\s+\w+(?:,\s+(environ:\s+\w+))?\)")
"""What doit says of each option: that a file of its own, which is not read here, may set it."""


_BUILDS = "builds"
"""What is explained beside commands and tasks: the file of ``builds=``."""


class Help(Ours, DoitHelp):
    """Explain commands and tasks; the variables of a build in groups, as ``variables`` does."""

    def execute(self, params: Any, args: list[str]) -> Any:
        """Print what doit does, but for files that are not read."""
        if args == [_BUILDS]:
            print(read_data("aimager.commands", "content/builds.txt"), end="")
            return 0
        said = io.StringIO()
        try:
            with redirect_stdout(said):
                return super().execute(params, args)
        finally:
            # Also on the way out: where doit itself loads our graph, the program that goes on in
            # its place has printed to this.
            told = _CONFIGURED.sub(lambda it: f" ({it[1]})" if it[1] else "", said.getvalue())
            print(told, end="")

    def _execute(self, pos_args: Sequence[str]) -> bool:
        if pos_args[0] != BUILD:
            return bool(super()._execute(pos_args))
        print(f"{BUILD}  {Loader.tasks[BUILD].doc}\n", *list_variables({}), sep="\n")
        return True


class List(Ours, DoitList):
    """List tasks; whether they would run is seen as ``why`` sees it."""

    def _print_task(
        self, template: str, task: Any, status: bool, list_deps: bool, tasks: Mapping[str, Any]
    ) -> None:
        letter = "U" if status and self.is_up_to_date(task) else "R"
        filled = template.replace("{status}", letter)
        super()._print_task(filled, task, False, list_deps, tasks)

    def is_up_to_date(self, task: Any) -> bool:
        """Whether a task need not run: it makes what is there, or selects none but such tasks."""
        if task.has_subtask:
            return not any(self.reasons[task.name] for task in self.loader.graph.find([task.name]))
        return self.reasons.get(task.name) == ""

    @cached_property
    def reasons(self) -> dict[str, str]:
        """Why each task that makes a product would run."""
        reasons: dict[str, str] = self.loader.graph.find_reasons()
        return reasons


class Info(Ours, DoitInfo):
    """Tell about a task, and why it would run."""

    def _execute(self, pos_args: Sequence[str], hide_status: bool = False) -> int:
        if len(pos_args) != 1:
            raise ConfigError("doit info tells about one task", hint="name it: doit info TASK")
        super()._execute(pos_args, hide_status=True)
        if hide_status:
            return 0
        reason = self.loader.graph.find_reasons().get(pos_args[0], "it runs whenever it is named")
        self.outstream.write(f"\n{'status':11s}: {f'run, {reason}' if reason else UP_TO_DATE}\n")
        return 1 if reason else 0


class Clean(Ours, DoitClean):
    """Remove what tasks made: the results, and what the cache keeps of them."""

    def clean_tasks(self, tasks: Sequence[Any], dryrun: bool, cleanforget: bool) -> None:
        """Clean ``tasks``, each once; with ``dryrun``, only say which."""
        graph = self.loader.graph
        found = {it.name: it for task in tasks for it in graph.find([task.name])}
        for task in _some(list(found.values()), "to clean"):
            self.outstream.write(f"{'would clean' if dryrun else 'cleaning'} {task.name}\n")
            if not dryrun:
                task.forget(results=True)


class Forget(Ours, DoitForget):
    """Forget what tasks made, so that they run again."""

    doc_purpose = "forget what the cache keeps of tasks, so that they run again"

    def _execute(self, forget_sub: bool, forget_disable_default: bool, forget_all: bool) -> None:
        graph = self.loader.graph
        names = ["*"] if forget_all else [] if self.sel_default_tasks else self.sel_tasks
        found = graph.needed_for(*names) if forget_sub else graph.find(names)
        for task in _some(found, "to forget"):
            self.outstream.write(f"forgetting {task.name}\n")
            task.forget()


def _some(tasks: list[CachedTask], wish: str) -> list[CachedTask]:
    if not tasks:
        raise ConfigError(
            f"there is nothing {wish}",
            hint="name tasks that make products, as pack-image, with distro= and board=",
        )
    return tasks


class TabCompletion(Ours, DoitTabCompletion):
    """Would print doit's own completion, which is refused."""

    doc_purpose = "is refused: doit completion has a completion that runs nothing"

    def execute(self, params: Any, args: list[str]) -> Never:
        """Say so.

        :raises ConfigError: always
        """
        raise ConfigError(
            "doit's own completion runs the dodo.py of whatever folder one stands in",
            hint="doit completion for=bash, zsh or fish prints one that runs nothing",
        )


class Stateless(Ours):
    """A command of doit's that is about the database that we do without."""

    def execute(self, params: Any, args: list[str]) -> Never:
        """Say so.

        :raises ConfigError: always
        """
        raise ConfigError(
            f"doit {self.get_name()} has no effect here: the cache tells what is up to date, and"
            " there is no database beside it",
            hint="doit list -s and doit why tell what would run, doit cache what is kept, and"
            " doit forget TASK has a task run again",
        )


class DumpDB(Stateless):
    """Would print the database."""

    doc_purpose = "has no effect here: there is no database"


class Ignore(Stateless):
    """Would note in the database that a task is to be left out."""

    doc_purpose = DumpDB.doc_purpose


class ResetDep(Stateless):
    """Would write to the database what is there."""

    name = "reset-dep"
    doc_purpose = DumpDB.doc_purpose


COMMANDS = (Run, Help, List, Info, Clean, Forget, TabCompletion, DumpDB, Ignore, ResetDep)
"""All commands that the program has."""
