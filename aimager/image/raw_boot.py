"""Boot loaders that lie outside partitions, where a chip's firmware or a BIOS reads them.

U-Boot's packages give the places in the dd(1) lines of their scriptlets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aimager.errors import ImageError
from aimager.model.board import RawPiece
from aimager.model.layout import Extent
from aimager.model.raw_places import Place
from aimager.sandbox.tree import Tree

_BOARD = "the board says where it lies: correct the board's file, or tell who made that"


@dataclass(frozen=True)
class Raw:
    """Bytes for the disk at ``offset``, and which file of the root they come from."""

    file: str
    offset: int
    data: bytes

    @property
    def place(self) -> Place:
        """What of the disk it takes."""
        return Place(self.file, Extent(self.offset, len(self.data)))


def read_pieces(tree: Tree, pieces: Sequence[RawPiece]) -> tuple[Raw, ...]:
    """Read ``pieces`` out of ``tree``.

    :raises ImageError: when one is missing, or empty
    """
    return tuple(Raw(piece.file, piece.offset, _read(tree, piece)) for piece in pieces)


def _read(tree: Tree, piece: RawPiece) -> bytes:
    if not tree.is_file(piece.file):
        raise ImageError(
            f"the boot loader /{piece.file} is missing",
            hint="one of the board's packages should have brought it",
        )
    data = tree.read_bytes(piece.file)[piece.skip :][: piece.size]
    if not data:
        raise ImageError(
            f"the boot loader /{piece.file} ends before its byte {piece.skip}", hint=_BOARD
        )
    return data


def write_raw(image: Path, raws: Sequence[Raw]) -> None:
    """Write ``raws`` to the disk image, and leave the rest of it as it is."""
    with image.open("r+b") as disk:
        for raw in raws:
            disk.seek(raw.offset)
            disk.write(raw.data)
