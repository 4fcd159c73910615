"""Boot loaders that lie outside partitions, where a chip's firmware or a BIOS reads them.

U-Boot's packages give the places in the dd(1) lines of their scriptlets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aimager.errors import ImageError
from aimager.image.disk import Extent
from aimager.model.board import RawPiece
from aimager.model.partition import SECTOR, Label
from aimager.sandbox.tree import Tree

_BOARD = "the board says where it lies: correct the board's file, or tell who made that"

_TABLES = {
    # The partition entries and the signature; code may come before (UEFI 5.2.1).
    Label.dos: Extent(440, SECTOR - 440),
    # The protective record's entries, the header and 32 sectors of entries (UEFI 5.3).
    Label.gpt: Extent(440, 34 * SECTOR - 440),
}


@dataclass(frozen=True)
class Raw:
    """Bytes for the disk at ``offset``, and which file of the root they come from."""

    file: str
    offset: int
    data: bytes

    @property
    def extent(self) -> Extent:
        """Where it lies."""
        return Extent(self.offset, len(self.data))


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


def check_room(label: Label, first: int, raws: Sequence[Raw]) -> None:
    """See that none of ``raws`` overlaps the table or another, or ends after byte ``first``.

    ``first`` is where the first partition starts.

    :raises ImageError: when one does
    """
    places = [("the partition table", _TABLES[label])]
    for raw in raws:
        for name, extent in places:
            if raw.extent.start < extent.end and extent.start < raw.extent.end:
                raise ImageError(
                    f"the boot loader /{raw.file}, at byte {raw.offset} of the disk, overlaps"
                    f" {name}",
                    hint=_BOARD,
                )
        if raw.extent.end > first:
            raise ImageError(
                f"the boot loader /{raw.file} ends at byte {raw.extent.end} of the disk, but the"
                f" first partition starts at byte {first}",
                hint="give the first partition a later start in table=",
            )
        places.append((f"/{raw.file}", raw.extent))


def write_raw(image: Path, raws: Sequence[Raw]) -> None:
    """Write ``raws`` to the disk image, and leave the rest of it as it is."""
    with image.open("r+b") as disk:
        for raw in raws:
            disk.seek(raw.offset)
            disk.write(raw.data)
