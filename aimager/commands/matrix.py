"""Which boards a continuous integration is to build, each on a machine that does it natively."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aimager.commands.command_line import Asked
from aimager.config.board_file import load_boards
from aimager.config.own_boards import BOARDS
from aimager.config.parse import choices, split_list
from aimager.config.platform import find_board, find_platform
from aimager.config.run_variables import MATRIX_FORMS
from aimager.errors import ConfigError
from aimager.model.architecture import Architecture
from aimager.model.board import Board
from aimager.model.distro import Platform

_RUNNERS = {
    "github": {
        Architecture.x86_64: "ubuntu-24.04",
        Architecture.aarch64: "ubuntu-24.04-arm",
    },
    "gitlab": {
        Architecture.x86_64: "saas-linux-small-amd64",
        Architecture.aarch64: "saas-linux-small-arm64",
    },
}
"""The labels of each service's hosted machines by architecture; the first emulates the rest."""


def print_matrix(asked: Asked) -> None:
    """Print the matrix of the command line's ``boards=``.

    :raises ConfigError: as `make_matrix` does
    """
    print(json.dumps(make_matrix(asked.variables, asked.folder)))


def make_matrix(variables: Mapping[str, str], folder: Path) -> dict[str, Any] | list[Any]:
    """The matrix of ``boards=``, in the form of ``for=``; relative paths start at ``folder``.

    GitHub takes it as ``strategy.matrix``, GitLab as ``parallel.matrix``, whose names become
    variables of jobs.

    :raises ConfigError: for an unknown board, or one for several distributions without ``distro=``
    """
    form = variables.get("for", MATRIX_FORMS[0])
    if form not in MATRIX_FORMS:
        raise ConfigError(f"for={form} is not known", hint=f"it is one of {choices(MATRIX_FORMS)}")
    boards = _find_boards(split_list(variables.get("boards", "")), folder)
    entries = [_entry(word, board, variables, _RUNNERS[form]) for word, board in boards]
    if form == "gitlab":
        return [{name.upper(): value for name, value in entry.items()} for entry in entries]
    return {"include": entries}


def _find_boards(words: Sequence[str], folder: Path) -> Iterable[tuple[str, Board]]:
    """Each board by the word that names it in ``board=``; all that have a disk where none is."""
    if not words:
        return [(name, board) for name, board in BOARDS.items() if board.partition_table]
    found: list[tuple[str, Board]] = []
    for word in words:
        if word not in BOARDS and (folder / word).is_dir():
            found += [
                (f"{word.rstrip('/')}/{path.name}", find_board(str(path), BOARDS, folder))
                for path in _files(folder / word)
            ]
        else:
            found.append((word, find_board(word, BOARDS, folder)))
    return found


def _files(folder: Path) -> list[Path]:
    """The files of a folder's boards.

    :raises ConfigError: when there are none
    """
    load_boards(folder)
    return sorted(folder.glob("[!_]*.py"))


def _entry(
    word: str, board: Board, variables: Mapping[str, str], runners: Mapping[Architecture, str]
) -> dict[str, str]:
    distro = variables.get("distro") if len(board.distros) != 1 else None
    architecture = variables.get("arch") if board.architecture is None else None
    platform = find_platform(board, distro, architecture)
    return {
        "board": word,
        "distro": platform.distro.id,
        "arch": platform.architecture,
        "name": f"{platform.id}-{board.id}",
        "runner": _find_runner(platform, runners),
    }


def _find_runner(platform: Platform, runners: Mapping[Architecture, str]) -> str:
    """A machine of the platform's architecture, or of one that may run it, or the first."""
    for host, runner in runners.items():
        if platform.architecture in (host, *host.also_runs):
            return runner
    return next(iter(runners.values()))
