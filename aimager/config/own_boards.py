"""The project's own boards, wherever they lie."""

import importlib

from aimager.model.board import Board
from aimager.places import PACKAGE, own

_MODULE = "aimager.boards" if own("boards").parent == PACKAGE else "boards"

BOARDS: dict[str, Board] = importlib.import_module(_MODULE).BOARDS
"""By their ids."""
