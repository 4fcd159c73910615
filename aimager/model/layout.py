"""Where partitions lie on their disk, and what of it the partition table itself takes."""

from collections.abc import Sequence
from dataclasses import dataclass

from aimager.errors import ConfigError
from aimager.model.partition import GPT_MOST_ENTRIES, SECTOR, Label, PartitionTable
from aimager.units import exact_size

_GPT_ENTRY = 128
_MBR_CODE = 440
"""Bytes of a disk's first sector that are free for a boot loader (UEFI 5.2.1)."""


_MOST_SECTORS = {Label.dos: 1 << 32, Label.gpt: 1 << 53}
"""A DOS label has 32 bits for their numbers; a file may have 2^63 bytes."""


class BeyondLabelError(ConfigError):
    """A partition ends where its label cannot count to."""


@dataclass(frozen=True)
class Extent:
    """Where a partition lies on its disk, in bytes."""

    start: int
    size: int

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.start + self.size


def meet(one: Extent, other: Extent) -> bool:
    """Whether they have a byte in common."""
    return one.start < other.end and other.start < one.end


def label_extent(table: PartitionTable) -> Extent:
    """What the partition table takes at the disk's start, after code of a boot loader.

    Of a DOS label that is the disk's id, four entries and a signature; of a GPT also a header and
    its entries (UEFI 5.3).
    """
    end = SECTOR if table.label is Label.dos else 2 * SECTOR + _entries_size(table)
    return Extent(_MBR_CODE, end - _MBR_CODE)


def second_gpt_size(table: PartitionTable) -> int:
    """The bytes of the second GPT, at the disk's end: entries and a header. 0 for a DOS label."""
    return 0 if table.label is Label.dos else _entries_size(table) + SECTOR


def _entries_size(table: PartitionTable) -> int:
    """Bytes of a GPT's entries, in whole sectors."""
    return -(-table.entries * _GPT_ENTRY // SECTOR) * SECTOR


def lay_out(table: PartitionTable, sizes: Sequence[int]) -> tuple[Extent, ...]:
    """Where partitions of ``sizes`` bytes lie: each at its own start or the next aligned byte.

    :raises ConfigError: for numbers that no table has, when a size is not a multiple of the sector
        size, partitions overlap, or one ends where the label cannot count to
    """
    _check_numbers(table)
    extents: list[Extent] = []
    end = _first_usable(table)
    for partition, size in zip(table.partitions, sizes, strict=True):
        if size <= 0 or size % SECTOR:
            raise ConfigError(
                f"the size of the {partition.role} partition, {size} bytes, is not a multiple of"
                f" the sector size, {SECTOR} bytes",
                hint="give it a size in table= that is one",
            )
        start = max(_align(end, table.alignment), table.alignment)
        if partition.start is not None:
            start = partition.start
            if start < end:
                raise ConfigError(
                    f"the {partition.role} partition starts at sector {start // SECTOR}, but"
                    f" what lies before it ends at sector {end // SECTOR}",
                    hint="give it a later start in table=, or leave its start out",
                )
        extents.append(Extent(start, size))
        end = start + size
        if end > _MOST_SECTORS[table.label] * SECTOR:
            raise BeyondLabelError(
                f"the {partition.role} partition ends {exact_size(end)} from the disk's start, but"
                f" a {table.label} label counts to"
                f" {exact_size(_MOST_SECTORS[table.label] * SECTOR)}",
                hint="give it a smaller size in table= or root-size=",
            )
    if table.last_lba is not None and end > (table.last_lba + 1) * SECTOR:
        raise ConfigError(
            f"the partitions end at sector {end // SECTOR - 1}, but last-lba is {table.last_lba}",
            hint="leave last-lba out of table=",
        )
    return tuple(extents)


def _check_numbers(table: PartitionTable) -> None:
    """Refuse what a board's file may say, and `aimager.model.sfdisk_table` does not take."""
    most = _MOST_SECTORS[table.label]
    for name, number, least, last, multiple in (
        ("alignment", table.alignment, SECTOR, most * SECTOR, SECTOR),
        ("first_lba", table.first_lba, 0, most, 1),
        ("last_lba", table.last_lba, 0, most, 1),
        ("entries", table.entries, 1, GPT_MOST_ENTRIES, 1),
    ):
        if number is not None and (not least <= number <= last or number % multiple):
            what = f"from {least} to {last}" + (f", in steps of {multiple}" * (multiple > 1))
            raise ConfigError(
                f"the partition table has {name}={number}, which is not {what}",
                hint=f"leave {name}= out of PartitionTable(...) in the board's file",
            )


def _first_usable(table: PartitionTable) -> int:
    """The first byte that is free: after the label, and at the least at GPT's first sector."""
    return max((table.first_lba or 0) * SECTOR, label_extent(table).end)


def disk_size(table: PartitionTable, extents: Sequence[Extent]) -> int:
    """The bytes of the smallest disk for ``extents``, a multiple of the table's alignment."""
    backup = second_gpt_size(table)
    end = max(extent.end for extent in extents)
    if table.last_lba is not None:
        end = max(end, (table.last_lba + 1) * SECTOR)
    return _align(end + backup, table.alignment)


def _align(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment


def gaps(extents: Sequence[Extent], size: int) -> tuple[Extent, ...]:
    """The parts of the first ``size`` bytes that lie outside ``extents``, which are in order."""
    found: list[Extent] = []
    end = 0
    for extent in (*extents, Extent(size, 0)):
        start = min(extent.start, size)
        if start > end:
            found.append(Extent(end, start - end))
        end = max(end, extent.end)
    return tuple(found)
