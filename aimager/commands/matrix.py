"""Which boards a continuous integration is to build, each on a machine that does it natively."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aimager.commands.command_line import Asked
from aimager.commands.fleet_matrix import make_phases
from aimager.commands.runners import find_runner
from aimager.config.board_file import UnreadBoard, add, read_boards
from aimager.config.own_boards import BOARDS
from aimager.config.parse import choices, split_list
from aimager.config.paths import has_folder
from aimager.config.platform import KnownBoards, find_board, find_platform, refuse_unread
from aimager.config.run_variables import MATRIX_FORMS
from aimager.distros import DISTROS
from aimager.errors import ConfigError
from aimager.model.board import Board
from aimager.model.build import Build


def print_matrix(asked: Asked, builds: Sequence[Build]) -> None:
    """Print the matrix of the command line's ``boards=``, or the phases of the file's ``builds``.

    :raises ConfigError: as `make_matrix` and `make_phases` do
    """
    if builds:
        print(json.dumps(make_phases(builds, _form(asked.variables))))
        return
    print(json.dumps(make_matrix(asked.variables, asked.folder)))


def _form(variables: Mapping[str, str]) -> str:
    form = variables.get("for", MATRIX_FORMS[0])
    if form not in MATRIX_FORMS:
        raise ConfigError(f"for={form} is not known", hint=f"it is one of {choices(MATRIX_FORMS)}")
    return form


def make_matrix(variables: Mapping[str, str], folder: Path) -> dict[str, Any] | list[Any]:
    """The matrix of ``boards=``, in the form of ``for=``; relative paths start at ``folder``.

    GitHub takes it as ``strategy.matrix``, GitLab as ``parallel.matrix``, whose names become
    variables of jobs.

    :raises ConfigError: for an unknown board, or one for several distributions without ``distro=``
    """
    form = _form(variables)
    boards = _find_boards(split_list(variables.get("boards", "")), folder)
    entries = [_entry(word, board, variables, form, folder) for word, board in boards]
    if form == "gitlab":
        return [{name.upper(): value for name, value in entry.items()} for entry in entries]
    return {"include": entries}


def _find_boards(words: Sequence[str], folder: Path) -> Iterable[tuple[str, Board]]:
    """Each board by the word that names it in ``board=``; all that have a disk where none is.

    :raises ConfigError: for one that is not there, or that cannot be read without running a file
    """
    if not words:
        return [(name, board) for name, board in BOARDS.items() if board.partition_table]
    found: list[tuple[str, Board]] = []
    for word in words:
        if word not in BOARDS and has_folder(folder / word):
            found += _read_folder(word, folder)
        else:
            found.append((word, find_board(word, KnownBoards(), folder)[0]))
    return found


def _read_folder(word: str, start: Path) -> Iterable[tuple[str, Board]]:
    """The boards of the folder that is named so; none of its files is run."""
    for own in read_boards(start / word):
        if isinstance(own, UnreadBoard):
            raise refuse_unread(own)
        add(dict(BOARDS), own.board, own.file)
        yield f"{word.rstrip('/')}/{own.file.name}", own.board


def _entry(
    word: str, board: Board, variables: Mapping[str, str], form: str, folder: Path
) -> dict[str, str]:
    distro = variables.get("distro") if len(board.distros) != 1 else None
    architecture = variables.get("arch") if board.architecture is None else None
    platform = find_platform(board, distro, architecture, folder)
    return {
        "board": word,
        "distro": platform.distro.id if platform.distro in DISTROS else distro or "",
        "arch": platform.architecture,
        "name": f"{platform.id}-{board.id}",
        "runner": find_runner(platform, form),
    }
