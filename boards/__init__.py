"""The boards that are known: one file each, with nothing but ``BOARD = Board(...)``."""

import importlib
import pkgutil

from aimager.definitions import Board

BOARDS: dict[str, Board] = {
    board.id: board
    for board in (
        importlib.import_module(f"{__name__}.{module.name}").BOARD
        for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name)
    )
}
