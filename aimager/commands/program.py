"""The program: doit with our graph, as ``aimager``, and as ``doit`` where that finds dodo.py."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from doit import get_initial_workdir
from doit.cmd_base import DodoTaskLoader
from doit.doit_cmd import DoitMain

from aimager.commands.command_line import Asked
from aimager.commands.doit_commands import COMMANDS
from aimager.commands.doit_loader import Loader
from aimager.commands.plain_words import FIRST_STEPS, plain_words
from aimager.errors import ConfigError
from aimager.places import PACKAGE, own


class Program(DoitMain):
    """doit with our commands, and the graph that ``loader`` loads."""

    DOIT_CMDS = COMMANDS

    def __init__(self, loader: Loader) -> None:
        # A pyproject.toml where the user stands may be another project's.
        super().__init__(loader, config_filenames=())

    def process_args(self, cmd_args: list[str]) -> list[str]:
        """The words that are not of the form ``name=value``; the loader is given those."""
        words: list[str] = super().process_args(cmd_args)
        given = (word.partition("=") for word in cmd_args if word[0] != "-" and "=" in word)
        self.task_loader.assignments = {name: value for name, _, value in given}
        return words


def asked(graph: str) -> Asked:
    """What the command line asks for, of the dodo.py whose path is ``graph``.

    Where doit itself loads our graph, it gets no further: we go on in its place, so that all is
    said and done as by ``aimager``.
    """
    if Loader.asked is None:
        _check_graph(Path(graph))
        folder = Path(get_initial_workdir() or Path.cwd())
        raise SystemExit(run(sys.argv[1:], Loader(folder, DodoTaskLoader.cmd_options)))
    return Loader.asked


def _check_graph(found: Path) -> None:
    """Refuse the graph of another checkout: doit has read our commands where the user stands."""
    if found.resolve() != own("dodo.py").resolve():
        raise SystemExit(
            f"ERROR: {found} is not the dodo.py of {PACKAGE}, whose code would run"
            "\n  hint: run doit in the folder of that dodo.py"
        )


def main() -> int:
    """The program ``aimager``; returns its exit status."""
    return run(sys.argv[1:], Loader(Path.cwd()))


def run(words: Sequence[str], loader: Loader) -> int:
    """Do what a command line asks for, and return the exit status.

    SIGTERM from here on ends it as Ctrl-C does, so that what is done so far is remembered.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _open_standard_streams()
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        # A C locale's, by which Python could tell no path with other letters.
        os.environ["PYTHONUTF8"] = "1"
        # doit, which has gone to the folder of its dodo.py, is to begin where the user stands.
        os.chdir(get_initial_workdir() or ".")
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    # What a run keeps in this process, open pipes among it, is for those that it forks, which
    # Python 3.14 no longer does by itself.
    multiprocessing.set_start_method("fork", force=True)
    plain = _plain(words)
    if not plain:
        print(FIRST_STEPS)
        return 0
    status: int | None = Program(loader).run(plain)
    return status or 0


def _plain(words: Sequence[str]) -> list[str]:
    try:
        return plain_words(words)
    except ConfigError as error:
        raise SystemExit(f"ERROR: {error}") from error


class CheckoutLoader(DodoTaskLoader):
    """doit's own loader, which is made before doit looks at its words: see that it can take them.

    It fails at an empty word, and takes variables with dashes for options of its own.
    """

    def __init__(self) -> None:
        super().__init__()
        words = sys.argv[1:]
        plain = _plain(words)
        if plain != words:
            sys.argv[1:] = plain
            raise SystemExit(DoitMain().run(plain))


def _open_standard_streams() -> None:
    """Have those that are closed lead nowhere: else other files would get their numbers."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
            setattr(sys, name, os.fdopen(number, mode))


if __name__ == "__main__":
    sys.exit(main())
