"""Disk images: where partitions lie, sfdisk's script for them, and their file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aimager import files
from aimager.architecture import Architecture
from aimager.errors import ImageError
from aimager.partition import FileSystem, Label, Partition, PartitionTable, Role
from aimager.toolbox import Toolbox

SECTOR = 512

_GPT_BACKUP = 33 * SECTOR
"""The second GPT at a disk's end: 32 sectors of entries and one of header (UEFI 5.3)."""

_GPT_ESP = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
_GPT_LINUX_DATA = "0fc63daf-8483-4772-8e79-3d69d8477de4"


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
    """Where partitions of ``sizes`` bytes lie: in order, each at the next aligned byte.

    :raises ImageError: when a size is not one of whole sectors
    """
    extents: list[Extent] = []
    end = 0
    for partition, size in zip(table.partitions, sizes, strict=True):
        if size <= 0 or size % SECTOR:
            raise ImageError(
                f"the {partition.role} partition's size of {size} bytes is not one of whole"
                f" sectors of {SECTOR}"
            )
        start = max(_align(end, table.alignment), table.alignment)
        extents.append(Extent(start, size))
        end = start + size
    return tuple(extents)


def disk_size(table: PartitionTable, extents: Sequence[Extent]) -> int:
    """The bytes of the smallest disk for ``extents``, a multiple of the table's alignment."""
    backup = _GPT_BACKUP if table.label is Label.gpt else 0
    return _align(max(extent.end for extent in extents) + backup, table.alignment)


def _align(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment


def sfdisk_script(
    table: PartitionTable,
    extents: Sequence[Extent],
    *,
    disk_id: str,
    partition_uuids: Sequence[str],
    architecture: Architecture,
) -> str:
    """What sfdisk(8) is to read to make ``table``, nothing left to its own choice.

    ``disk_id`` is a UUID for GPT and eight hexadecimal digits for DOS, which has no
    ``partition_uuids``.
    """
    lines = [f"label: {table.label}"]
    if table.label is Label.gpt:
        lines += [
            f"label-id: {disk_id}",
            "unit: sectors",
            # What lies before the first partition may be a board's boot loader, which no
            # partition that is made later may take.
            f"first-lba: {table.alignment // SECTOR}",
            f"last-lba: {(disk_size(table, extents) - _GPT_BACKUP) // SECTOR - 1}",
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
                f'name="{partition.role}"',
            ]
        else:
            fields.append(f"type={_dos_type(partition)}")
            if partition.role is Role.boot:
                fields.append("bootable")
        lines.append(", ".join(fields))
    return "\n".join(lines) + "\n"


def _gpt_type(partition: Partition, architecture: Architecture) -> str:
    if partition.esp:
        return _GPT_ESP
    return architecture.gpt_root if partition.role is Role.root else _GPT_LINUX_DATA


def _dos_type(partition: Partition) -> str:
    if partition.esp:
        return "ef"
    return "c" if partition.file_system is FileSystem.vfat else "83"


def partuuid(
    table: PartitionTable, disk_id: str, partition_uuids: Sequence[str], index: int
) -> str:
    """What the kernel calls the PARTUUID of partition ``index``, counted from 0."""
    if table.label is Label.gpt:
        return partition_uuids[index]
    return f"{disk_id}-{index + 1:02x}"


def make_disk(
    tools: Toolbox,
    image: Path,
    script: str,
    parts: Sequence[tuple[Extent, Path]],
    *,
    size: int,
) -> None:
    """Write a disk of ``size`` bytes to ``image``: the table of ``script``, then ``parts``.

    Holes of the parts stay holes, and so does what no partition covers.

    :raises CommandError: when sfdisk refuses the script
    :raises ImageError: when a part has not the size of its extent
    """
    for extent, part in parts:
        given = part.stat().st_size
        if given != extent.size:
            raise ImageError(
                f"{part.name} has {given} bytes, its partition {extent.size}",
                hint=f"remove {part} and build again",
            )
    with image.open("wb") as stream:
        stream.truncate(size)
    tools.run(
        ["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", "--wipe=never", image],
        input=script.encode(),
    )
    with image.open("r+b") as disk:
        for extent, part in parts:
            with part.open("rb") as content:
                files.copy_data(content.fileno(), disk.fileno(), size=extent.size, at=extent.start)
