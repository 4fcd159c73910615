"""Disk images: where partitions lie, sfdisk's script for them, and their file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aimager import files
from aimager.errors import ImageError
from aimager.model.architecture import Architecture
from aimager.model.partition import SECTOR, Label, Partition, PartitionTable, Role
from aimager.toolbox import Toolbox

GPT_BACKUP = 33 * SECTOR
"""The second GPT at a disk's end: 32 sectors of entries and one of header (UEFI 5.3)."""

GPT_FIRST = 34
"""The first sector after the first GPT: the MBR, a header and 32 sectors of entries."""

_GPT_ESP = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
_GPT_LINUX_DATA = "0fc63daf-8483-4772-8e79-3d69d8477de4"
_GPT_TYPES = {
    Role.home: "933ac7e1-2eb4-4f13-b844-0e14e2aef915",
    Role.swap: "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f",
}
"""Those of the Discoverable Partitions Specification, which are the same on every architecture."""


@dataclass(frozen=True)
class Extent:
    """Where a partition lies on its disk, in bytes."""

    start: int
    size: int

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.start + self.size


def lay_out(table: PartitionTable, sizes: Sequence[int]) -> tuple[Extent, ...]:
    """Where partitions of ``sizes`` bytes lie: each at its own start or the next aligned byte.

    :raises ImageError: when a size is not a multiple of the sector size, or partitions overlap
    """
    extents: list[Extent] = []
    end = _first_usable(table)
    for partition, size in zip(table.partitions, sizes, strict=True):
        if size <= 0 or size % SECTOR:
            raise ImageError(
                f"the size of the {partition.role} partition, {size} bytes, is not a multiple of"
                f" the sector size, {SECTOR} bytes",
                hint="give it a size in table= that is one",
            )
        start = max(_align(end, table.alignment), table.alignment)
        if partition.start is not None:
            start = partition.start
            if start < end:
                raise ImageError(
                    f"the {partition.role} partition starts at sector {start // SECTOR}, but"
                    f" what lies before it ends at sector {end // SECTOR}",
                    hint="give it a later start in table=, or leave its start out",
                )
        extents.append(Extent(start, size))
        end = start + size
    if table.last_lba is not None and end > (table.last_lba + 1) * SECTOR:
        raise ImageError(
            f"the partitions end at sector {end // SECTOR - 1}, but last-lba is {table.last_lba}",
            hint="leave last-lba out of table=",
        )
    return tuple(extents)


def _first_usable(table: PartitionTable) -> int:
    """The first byte that is free: after the label, and at the least at GPT's first sector."""
    if table.label is Label.dos:
        return SECTOR
    return max(table.first_lba or 0, GPT_FIRST) * SECTOR


def disk_size(table: PartitionTable, extents: Sequence[Extent]) -> int:
    """The bytes of the smallest disk for ``extents``, a multiple of the table's alignment."""
    backup = GPT_BACKUP if table.label is Label.gpt else 0
    end = max(extent.end for extent in extents)
    if table.last_lba is not None:
        end = (table.last_lba + 1) * SECTOR
    return _align(end + backup, table.alignment)


def _align(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment


def sfdisk_script(
    table: PartitionTable,
    extents: Sequence[Extent],
    *,
    disk_id: str,
    partition_uuids: Sequence[str],
    architecture: Architecture,
    size: int | None = None,
) -> str:
    """The input with which sfdisk(8) makes ``table``, nothing left to its own choice.

    The disk has ``size`` bytes, None for `disk_size`. ``disk_id`` is a UUID for GPT and eight
    hexadecimal digits for DOS, which has no ``partition_uuids``.
    """
    lines = [f"label: {table.label}"]
    if table.label is Label.gpt:
        # What lies before the first partition may be a board's boot loader, which no partition
        # that is made later may take.
        first = min(table.alignment // SECTOR, extents[0].start // SECTOR)
        last = ((size or disk_size(table, extents)) - GPT_BACKUP) // SECTOR - 1
        lines += [
            f"label-id: {disk_id}",
            "unit: sectors",
            f"first-lba: {table.first_lba or first}",
            f"last-lba: {last if table.last_lba is None else table.last_lba}",
        ]
    else:
        lines += [f"label-id: 0x{disk_id}", "unit: sectors"]
    lines += [f"sector-size: {SECTOR}", ""]
    for index, (partition, extent) in enumerate(zip(table.partitions, extents, strict=True)):
        fields = [f"start={extent.start // SECTOR}", f"size={extent.size // SECTOR}"]
        if table.label is Label.gpt:
            fields += [
                f"type={_gpt_type(partition, architecture)}",
                f"uuid={partition_uuids[index]}",
                f'name="{_gpt_name(partition)}"',
            ]
            if partition.attributes:
                fields.append(f'attrs="{partition.attributes}"')
        else:
            fields.append(f"type={_dos_type(partition)}")
            if _is_bootable(partition):
                fields.append("bootable")
        lines.append(", ".join(fields))
    return "\n".join(lines) + "\n"


def _gpt_type(partition: Partition, architecture: Architecture) -> str:
    if partition.type:
        return partition.type
    if partition.esp:
        return _GPT_ESP
    if partition.role is Role.root:
        return architecture.gpt_root
    return _GPT_TYPES.get(partition.role, _GPT_LINUX_DATA)


def _gpt_name(partition: Partition) -> str:
    if partition.name or partition.role is Role.raw:
        return partition.name
    return partition.role


def _dos_type(partition: Partition) -> str:
    if partition.type:
        return partition.type
    if partition.esp:
        return "ef"
    return partition.file_system.dos_type


def _is_bootable(partition: Partition) -> bool:
    return partition.role is Role.boot if partition.bootable is None else partition.bootable


def begin_disk(
    tools: Toolbox,
    image: Path,
    script: str,
    extents: Sequence[Extent],
    *,
    size: int,
    base: Path | None = None,
) -> None:
    """Write to ``image`` the parts of a disk of ``size`` bytes that lie outside ``extents``.

    These are the table of ``script``, and what ``base``, an image of at most that size, has there;
    the rest is a hole.

    :raises CommandError: when sfdisk refuses the script
    """
    with image.open("wb") as disk:
        disk.truncate(size)
        if base:
            with base.open("rb") as content:
                for gap in gaps(extents, base.stat().st_size):
                    files.copy_data(content.fileno(), disk.fileno(), size=gap.end, begin=gap.start)
    tools.run(
        ["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", "--wipe=never", image],
        input=script.encode(),
    )


def place_part(
    image: Path, extent: Extent, part: Path, written: Callable[[int], object] = lambda end: None
) -> None:
    """Write the partition image ``part`` to its place on a disk that was begun; holes stay holes.

    ``written`` is called as `files.copy_data` calls it.

    :raises ImageError: when its size is not that of its extent
    """
    given = part.stat().st_size
    if given != extent.size:
        raise ImageError(
            f"{part.name} has {given} bytes, but its partition has {extent.size}",
            hint=f"remove {part} and build again",
        )
    with part.open("rb") as content, image.open("r+b") as disk:
        files.copy_data(
            content.fileno(), disk.fileno(), size=extent.size, at=extent.start, written=written
        )


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
