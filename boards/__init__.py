"""The boards that are known: one file each, with nothing but ``BOARD = Board(...)``.

May import: definitions, model.
"""

from aimager.definitions import Board
from aimager.model.definition_folder import read_definitions

_READ = read_definitions(__name__, __path__[0], {"BOARD": Board})

BOARDS: dict[str, Board] = {board.id: board for board in _READ.values}
FAULTS: dict[str, str] = _READ.faults
"""What is wrong with files, by their paths, which is for others to tell."""
