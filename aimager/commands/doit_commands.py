"""doit's own commands, with what they say of mistakes, and of a cache in place of a database."""

from typing import Any, Never

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

from aimager.commands.command_line import unknown_option, unknown_task
from aimager.commands.doit_loader import Loader
from aimager.errors import AimagerError, ConfigError, explain_system_error


class Ours(Command):
    """A command that tells what is wrong in a sentence, and ends with status 1."""

    loader: Any

    def parse_execute(self, in_args: list[str]) -> Any:
        """Parse the words behind the command's name, and do it."""
        try:
            return super().parse_execute(in_args)
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
    raise SystemExit(f"ERROR: {error}") from error


class Run(Ours, DoitRun):
    """Run tasks."""


class Help(Ours, DoitHelp):
    """Explain commands and tasks."""


class List(Ours, DoitList):
    """List tasks."""


class Info(Ours, DoitInfo):
    """Tell about a task."""


class Clean(Ours, DoitClean):
    """Remove what tasks made."""


class Forget(Ours, DoitForget):
    """Forget what tasks made."""


class TabCompletion(Ours, DoitTabCompletion):
    """Print doit's own completion."""


COMMANDS = (Run, Help, List, Info, Clean, Forget, TabCompletion)
"""All commands that the program has."""
