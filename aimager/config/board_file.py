"""A user's own board: a Python file of the form of those in ``boards/``.

Only a file that the command line names by itself, as ``board=./mine.py``, is run. Those of a folder
are read as data (`aimager.config.board_data`), whoever asks for one of them, or for a list.
"""

import ast
import functools
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

from aimager.config.board_data import NotDataError, read_values
from aimager.config.board_rules import check_board
from aimager.config.definition_file import DefinitionFile
from aimager.config.paths import has_folder
from aimager.errors import ConfigError
from aimager.model.board import Board

_HINT = "it imports from aimager.definitions and has BOARD = Board(...), as the files in boards/ do"
_OLD_NAMES = {
    "aimager.architecture": "aimager.model.architecture",
    "aimager.board": "aimager.model.board",
    "aimager.partition": "aimager.model.partition",
    "aimager.setup": "aimager.model.settings",
    "aimager.u_boot": "aimager.model.u_boot",
}
"""The modules that users' files have imported from before `aimager.definitions` came, and where
what they held is now."""


@dataclass(frozen=True)
class OwnBoard:
    """A board and the ``file`` that it was read from, whose bytes have that ``sha256``."""

    file: Path
    sha256: str
    board: Board


@dataclass(frozen=True)
class UnreadBoard:
    """A ``file`` of which only running it could tell what board it defines, and why."""

    file: Path
    reason: str


def load_board(path: Path) -> OwnBoard:
    """The board that the file at ``path`` defines, which is run: the user has named it.

    Only a file of imports from aimager and of assignments is run. This catches a wrong file, not a
    hostile one: the values that it assigns may call anything.

    :raises ConfigError: when the file cannot be read or run, or defines no board
    """
    file = _file(path)
    content = file.read_bytes()
    board = _run(file, file.parse(content))
    return OwnBoard(path, hashlib.sha256(content).hexdigest(), board)


def read_board(path: Path) -> OwnBoard | UnreadBoard:
    """What the file at ``path`` says of its board; nothing of it is run.

    :raises ConfigError: when it cannot be read, or defines no board
    """
    file = _file(path)
    content = file.read_bytes()
    module = file.parse(content)
    try:
        values = read_values(module)
    except NotDataError as error:
        return UnreadBoard(path, str(error))
    board = _check(file, values.get("BOARD"))
    return OwnBoard(path, hashlib.sha256(content).hexdigest(), board)


def _file(path: Path) -> DefinitionFile:
    return DefinitionFile(path, "board", _HINT)


def _run(file: DefinitionFile, module: ast.Module) -> Board:
    for statement in module.body:
        if isinstance(statement, ast.ImportFrom) and statement.module in _OLD_NAMES:
            _warn(file.path, statement.module)
            statement.module = _OLD_NAMES[statement.module]
    return _check(file, file.run(module).get("BOARD"))


@functools.cache
def _warn(path: Path, module: str) -> None:
    """Say once that a file imports from an old name; not where a program reads what is printed."""
    print(
        f"WARNING: the board {path} imports from {module}, a name that will be dropped:"
        " import the same from aimager.definitions",
        file=sys.stderr,
    )


def _check(file: DefinitionFile, board: object) -> Board:
    if not isinstance(board, Board):
        raise ConfigError(f"the file {file.path} defines no board", hint=_HINT)
    read = file.check(board)
    check_board(read, f"the board {file.path}")
    for word in read.repositories:
        name, is_own, address = word.partition("=")
        if is_own and not name:
            raise file.error("has repositories= without a name", hint="it is NAME=ADDRESS")
        if is_own:
            file.check_address(address, f"repositories= for {name}", f"repo-url-{name}")
    return read


def read_boards(folder: Path) -> list[OwnBoard | UnreadBoard]:
    """The boards of all Python files in ``folder``, in the order of the files' names.

    Nothing of them is run: nobody has named one.

    :raises ConfigError: when there are none, or one cannot be read
    """
    files = sorted(folder.glob("[!_]*.py")) if has_folder(folder) else []
    if not files:
        raise ConfigError(
            f"there is no board in the folder {folder}", hint="each board is a file NAME.py"
        )
    for path in files:
        if not path.name.isprintable():
            raise ConfigError(
                f"the folder {folder} has a file with the name {path.name!a}",
                hint="give it a name that can be printed",
            )
    return [read_board(path) for path in files]


def add(boards: dict[str, Board], board: Board, source: Path) -> None:
    """Add a board, which was read from ``source``, to ``boards``.

    :raises ConfigError: when another one has its id
    """
    if board.id in boards:
        raise ConfigError(
            f"the board {source} has the id {board.id}, which another board has",
            hint="give it another: results and products are named by it",
        )
    boards[board.id] = board
