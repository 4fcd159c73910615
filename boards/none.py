"""No board: a root archive for containers, chroots and boards that are set up by hand."""

from aimager.definitions import Board

BOARD = Board(id="none", name="root archive")
