"""A user's own board: a Python file of the form of those in ``boards/``."""

import ast
import functools
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

from aimager.codec import decode, encode
from aimager.errors import ConfigError
from aimager.model.board import Board
from aimager.model.partition import Role

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

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def load_board(path: Path) -> Board:
    """The board that the file at ``path`` defines.

    Only a file of imports from aimager and of assignments is run. This catches a wrong file, not a
    hostile one: the values that it assigns may call anything.

    :raises ConfigError: when the file cannot be read or run, or defines no board
    """
    try:
        module = ast.parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ConfigError(
            f"the board {path} cannot be read: {error.strerror}", hint=f"name a file; {_HINT}"
        ) from error
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"the board {path} is not valid Python: {error}", hint=_HINT) from error
    for statement in module.body:
        if not _belongs(statement):
            line = ast.unparse(statement).splitlines()[0]
            raise ConfigError(
                f"the board {path} has a statement in line {statement.lineno} that a board cannot"
                f" have: {line}",
                hint=_HINT,
            )
        if isinstance(statement, ast.ImportFrom) and statement.module in _OLD_NAMES:
            _warn(path, statement.module)
            statement.module = _OLD_NAMES[statement.module]
    names: dict[str, object] = {"__name__": path.stem}
    try:
        exec(compile(module, str(path), "exec"), names)
    except Exception as error:
        raise ConfigError(
            f"the board {path} cannot be made: {type(error).__name__}: {error}", hint=_HINT
        ) from error
    return _check(path, names.get("BOARD"))


@functools.cache
def _warn(path: Path, module: str) -> None:
    """Say once that a file imports from an old name; not where a program reads what is printed."""
    print(
        f"WARNING: the board {path} imports from {module}, a name that will be dropped:"
        " import the same from aimager.definitions",
        file=sys.stderr,
    )


def _belongs(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.ImportFrom):
        return (statement.module or "").split(".")[0] == "aimager"
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_text or isinstance(statement, ast.Assign | ast.AnnAssign)


def _check(path: Path, board: object) -> Board:
    if not isinstance(board, Board):
        raise ConfigError(f"the file {path} defines no board", hint=_HINT)
    if not isinstance(board.id, str) or not _ID.fullmatch(board.id):
        raise ConfigError(
            f"the board {path} has the id {board.id!r}",
            hint="an id has lower-case letters and digits, with single dashes between them",
        )
    hints = get_type_hints(Board)
    values = {field.name: getattr(board, field.name) for field in fields(Board)}
    read = Board(**{name: _read(path, name, hints[name], it) for name, it in values.items()})
    if read.partition_table and not read.partition_table.with_role(Role.root):
        raise ConfigError(
            f"the board {path} has a partition table without a root", hint="root_ext4() is one"
        )
    return read


def _read(path: Path, name: str, kind: Any, value: object) -> Any:
    """A field's value, converted to the field's type; what is told does not repeat a wrong one."""
    try:
        return decode(kind, encode(value))
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"the board {path} has a value of the wrong type in {name}=",
            hint=f"{_HINT}; a tuple of one value needs a comma: packages=('tree',)",
        ) from error


def load_boards(folder: Path) -> dict[str, Board]:
    """The boards of all Python files in ``folder`` by id, in the order of the files' names.

    :raises ConfigError: when there are none, one cannot be read, or two have the same id
    """
    files = sorted(folder.glob("[!_]*.py"))
    if not files:
        raise ConfigError(
            f"there is no board in the folder {folder}", hint="each board is a file NAME.py"
        )
    boards: dict[str, Board] = {}
    for path in files:
        add(boards, load_board(path), path)
    return boards


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
