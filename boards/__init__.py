"""The boards that are known: one file each, with nothing but ``BOARD = Board(...)``.

May import: definitions, model.
"""

import importlib
import pkgutil

from aimager.definitions import Board
from aimager.model.definition import checked

BOARDS: dict[str, Board] = {}
FAULTS: dict[str, str] = {}
"""What is wrong with files that define none, by their paths, which is for others to tell."""

for _name in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    try:
        _board: Board = checked(importlib.import_module(f"{__name__}.{_name}").BOARD)
        BOARDS[_board.id] = _board
    except Exception as _error:  # whatever a file of data may raise
        FAULTS[f"{__path__[0]}/{_name}.py"] = f"{type(_error).__name__}: {_error}"
