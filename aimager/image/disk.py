"""Disk images: sfdisk's script for their partitions, and their file."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from aimager import files
from aimager.errors import ImageError
from aimager.image.base_table import read_base
from aimager.model import gpt_types
from aimager.model.architecture import Architecture
from aimager.model.layout import Extent, disk_size, gaps, second_gpt_size
from aimager.model.partition import GPT_ENTRIES, SECTOR, Label, Partition, PartitionTable, Role
from aimager.toolbox import Toolbox

_GPT_TYPES = {Role.home: gpt_types.HOME, Role.swap: gpt_types.SWAP}


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
        lines += [f"label-id: {disk_id}", "unit: sectors"]
        lines += _gpt_lines(table, extents, size or disk_size(table, extents))
    else:
        lines += [f"label-id: 0x{disk_id}", "unit: sectors"]
    lines += [f"sector-size: {SECTOR}", ""]
    for index, (partition, extent) in enumerate(zip(table.partitions, extents, strict=True)):
        fields = [f"start={extent.start // SECTOR}", f"size={extent.size // SECTOR}"]
        if table.label is Label.gpt:
            fields += _gpt_fields(partition, partition_uuids[index], architecture)
        else:
            fields.append(f"type={_dos_type(partition)}")
            if table.is_active(partition):
                fields.append("bootable")
        lines.append(", ".join(fields))
    return "\n".join(lines) + "\n"


def _gpt_lines(table: PartitionTable, extents: Sequence[Extent], size: int) -> Iterator[str]:
    """What a GPT's header says of a disk of ``size`` bytes."""
    # What lies before the first partition may be a board's boot loader, which no partition that is
    # made later may take.
    first = min(table.alignment // SECTOR, extents[0].start // SECTOR)
    last = (size - second_gpt_size(table)) // SECTOR - 1
    yield f"first-lba: {table.first_lba or first}"
    yield f"last-lba: {last if table.last_lba is None else table.last_lba}"
    if table.entries != GPT_ENTRIES:
        yield f"table-length: {table.entries}"


def _gpt_fields(partition: Partition, uuid: str, architecture: Architecture) -> Iterator[str]:
    yield f"type={_gpt_type(partition, architecture)}"
    yield f"uuid={uuid}"
    yield f'name="{_gpt_name(partition)}"'
    if partition.attributes:
        yield f'attrs="{partition.attributes}"'


def _gpt_type(partition: Partition, architecture: Architecture) -> str:
    if partition.type:
        return partition.type
    if partition.esp:
        return gpt_types.ESP
    if partition.role is Role.root:
        return architecture.gpt_root
    return _GPT_TYPES.get(partition.role, gpt_types.LINUX)


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

    These are the table of ``script``, and what ``base``, an image of at most that size, has there
    beside a GPT; the rest is a hole.

    :raises CommandError: when sfdisk refuses the script
    """
    with image.open("wb") as disk:
        disk.truncate(size)
        if base:
            with base.open("rb") as content:
                for gap in gaps(extents, base.stat().st_size):
                    files.copy_data(content.fileno(), disk.fileno(), size=gap.end, begin=gap.start)
            # A GPT that is left behind a DOS label, or amid a larger disk, would be found there.
            for stale in read_base(base).gpt:
                disk.seek(stale.start)
                disk.write(bytes(stale.size))
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
            hint="build again; if that does not help, give the partition another size in table=",
        )
    with part.open("rb") as content, image.open("r+b") as disk:
        files.copy_data(
            content.fileno(), disk.fileno(), size=extent.size, at=extent.start, written=written
        )
