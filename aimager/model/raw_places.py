"""Where boot loaders that lie outside file systems have room on a disk."""

from collections.abc import Sequence
from dataclasses import dataclass

from aimager.errors import ConfigError
from aimager.model.board import RawPiece
from aimager.model.layout import Extent, label_extent, lay_out, meet
from aimager.model.partition import SECTOR, Label, PartitionTable, Role

_HINT = "give the partitions of table= other starts: a loader may lie in one without a mark, too"


@dataclass(frozen=True)
class Place:
    """What of the disk the boot loader ``file``, a path in the root, takes."""

    file: str
    extent: Extent


def check_pieces(table: PartitionTable, pieces: Sequence[RawPiece]) -> None:
    """See that there is room for ``pieces`` as far as that is known before any of them is there.

    :raises ConfigError: when there is none, a piece has numbers that cannot be, or the partitions
        overlap
    """
    for piece in pieces:
        _check_piece(piece)
    sizes = [partition.size or SECTOR for partition in table.partitions]
    places = [Place(p.file, Extent(p.offset, p.size or p.least)) for p in pieces]
    check_places(table, lay_out(table, sizes), places)


def _check_piece(piece: RawPiece) -> None:
    given = (("offset", piece.offset, 0), ("skip", piece.skip, 0), ("least", piece.least, 1))
    size = () if piece.size is None else (("size", piece.size, 1),)
    for name, number, least in (*given, *size):
        if number < least:
            raise ConfigError(
                f"the boot loader /{piece.file} has {name}={number} in the board's raw_pieces",
                hint=f"{name}= counts bytes: {least} or more",
            )


def check_places(table: PartitionTable, extents: Sequence[Extent], places: Sequence[Place]) -> None:
    """See that each of ``places`` is free, or lies whole in a partition in which nothing else is.

    ``extents`` are those of the partitions.

    :raises ConfigError: when one overlaps the table, a partition or another one, or lies after all
        partitions
    """
    known = [("the partition table", label_extent(table))]
    for place in places:
        told = f"the boot loader /{place.file}, at byte {place.extent.start} of the disk,"
        for name, extent in known:
            if meet(place.extent, extent):
                raise ConfigError(f"{told} overlaps {name}", hint=_label_hint(table, name))
        _check_inside(table, extents, place, told)
        if place.extent.start >= extents[-1].end:
            raise ConfigError(f"{told} lies after the last partition", hint=_HINT)
        known.append((f"/{place.file}", place.extent))


def _check_inside(
    table: PartitionTable, extents: Sequence[Extent], place: Place, told: str
) -> None:
    """Let a loader lie in partitions that are made for it, and not stick out of them.

    One file may hold what the table of a chip's maker has several partitions for.
    """
    numbered = enumerate(zip(table.partitions, extents, strict=True), 1)
    met = [(n, p, e) for n, (p, e) in numbered if meet(place.extent, e)]
    for _, partition, extent in met:
        if partition.role is not Role.raw:
            how = f"ends at byte {place.extent.end}, but"
            if place.extent.start >= extent.start:
                how = "would be written over:"
            raise ConfigError(
                f"{told} {how} the {partition.role} partition starts at byte {extent.start}",
                hint=_HINT,
            )
    for number, _, extent in met:
        begins_before = number == met[0][0] and place.extent.start < extent.start
        ends_after = number == met[-1][0] and place.extent.end > extent.end
        if begins_before or ends_after:
            raise ConfigError(
                f"{told} ends at byte {place.extent.end}, but partition {number}, which it lies in,"
                f" has bytes {extent.start} to {extent.end}",
                hint="make that partition larger in table=, or leave it out",
            )


def _label_hint(table: PartitionTable, name: str) -> str:
    if table.label is Label.gpt and name == "the partition table":
        return "use label: dos, or a GPT with fewer entries: table-length: 56 ends at byte 8192"
    return _HINT
