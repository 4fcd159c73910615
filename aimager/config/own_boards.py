"""The project's own boards, wherever they lie."""

import importlib

from aimager.model.board import Board
from aimager.places import PACKAGE, own

_MODULE = "aimager.boards" if own("boards").parent == PACKAGE else "boards"

_READ = importlib.import_module(_MODULE)

BOARDS: dict[str, Board] = _READ.BOARDS
"""By their ids."""

BOARD_FAULTS: dict[str, str] = _READ.FAULTS
"""What is wrong with files that define none, by their paths."""
