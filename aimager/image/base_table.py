"""The partition table of the image that a disk starts from, and what ours must not write over.

Boot loaders lie between a table and the first partition, where their chip looks for them.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from aimager.errors import CommandError, ConfigError
from aimager.model.layout import Extent, label_extent, meet
from aimager.model.partition import SECTOR, Label, MiB, PartitionTable
from aimager.model.partition_types import LOGICAL
from aimager.toolbox import Toolbox

_ENTRY = struct.Struct("<B3xB3xII")
"""An entry of a DOS label: mark, type, first sector and number of sectors."""

_PROTECTIVE = 0xEE
_HEADER = struct.Struct("<8s16x4Q16xQ2I")
"""Of a GPT: signature; places of this header, of the other one, and of the first and last sector
for partitions; place, number and size of the entries (UEFI 5.3.2)."""
_GPT_ENTRY = struct.Struct("<16s16x2Q")
"""Of an entry: type, first and last sector (UEFI 5.3.3)."""
_MOST_ENTRIES = 1 << 12
_LARGEST_LOADER = 64 * MiB
_NOTHING_KNOWN, _AMBIVALENT = 2, 8
"""How blkid(8) ends where it knows nothing of what it sees, and where it could be several."""
_CHUNK = 1 << 20


@dataclass(frozen=True)
class BaseTable:
    """What of an image its table takes, and its partitions by their starts."""

    gpt: tuple[Extent, ...] = ()
    """The headers and entries of a GPT."""
    partitions: tuple[Extent, ...] = ()
    holds_others: tuple[Extent, ...] = ()
    """Those of a DOS label that logical partitions lie in."""


def read_base(image: Path) -> BaseTable:
    """The table of ``image``; one without any has none."""
    with image.open("rb") as stream:
        record = stream.read(SECTOR)
        if record[510:] != b"\x55\xaa":
            return BaseTable()
        entries = list(_ENTRY.iter_unpack(record[446:510]))
        if any(kind == _PROTECTIVE for _, kind, _, _ in entries):
            return _read_gpt(stream, image.stat().st_size)
    found = {Extent(start * SECTOR, size * SECTOR): kind for _, kind, start, size in entries}
    partitions = _by_start(extent for extent, kind in found.items() if kind and extent.size)
    return BaseTable((), partitions, tuple(e for e in partitions if f"{found[e]:x}" in LOGICAL))


def _by_start(extents: Iterable[Extent]) -> tuple[Extent, ...]:
    return tuple(sorted(extents, key=lambda extent: (extent.start, extent.size)))


def _read_gpt(stream: IO[bytes], size: int) -> BaseTable:
    taken: list[Extent] = []
    partitions: set[Extent] = set()
    place = 1
    for _ in range(2):
        stream.seek(place * SECTOR)
        header = stream.read(SECTOR)
        if len(header) < SECTOR or not header.startswith(b"EFI PART"):
            break
        _, _, place, _, _, entries, number, each = _HEADER.unpack_from(header)
        taken.append(Extent(stream.tell() - SECTOR, SECTOR))
        if number > _MOST_ENTRIES or not 128 <= each <= SECTOR or entries * SECTOR >= size:
            break
        taken.append(Extent(entries * SECTOR, number * each))
        stream.seek(entries * SECTOR)
        content = stream.read(number * each)
        for at in range(0, len(content) - each + 1, each):
            kind, first, last = _GPT_ENTRY.unpack_from(content, at)
            if any(kind) and first <= last and first * SECTOR < size:
                partitions.add(Extent(first * SECTOR, (last - first + 1) * SECTOR))
        if place * SECTOR >= size:
            break
    inside = (Extent(e.start, min(e.end, size) - e.start) for e in taken if e.start < size)
    return BaseTable(tuple(inside), _by_start(partitions))


def used_size(image: Path) -> int:
    """The bytes of ``image`` without those at its end that its own second GPT takes."""
    end = image.stat().st_size
    for extent in sorted(read_base(image).gpt, key=lambda extent: -extent.start):
        if extent.end == end:
            end = extent.start
    return end


def check_base(
    tools: Toolbox, image: Path, table: PartitionTable, placed: Sequence[Extent], work: Path
) -> None:
    """See that ``table`` and the partitions at ``placed`` leave the boot loader of ``image`` whole.

    That is what lies before the image's first partition with data, and what any partition without
    has. ``work`` is a folder for copies.

    :raises ConfigError: when the table, or a partition, would lie on it
    """
    base = read_base(image)
    label = label_extent(table)
    with image.open("rb") as stream:
        at = _first_used(stream, Extent(SECTOR, label.end - SECTOR), base.gpt)
        if at is not None:
            raise _on_the_table(table, at)
        holds_data = partial(_holds_data, tools, stream, base, work)
        data = next(filter(holds_data, base.partitions), None)
        # Without data, all that an image holds is a boot loader.
        end = image.stat().st_size if data is None else data.start
        for extent in placed:
            later = (e for e in base.partitions if e.start >= end and meet(e, extent))
            for kept in (Extent(0, end), *(e for e in later if not holds_data(e))):
                start = max(kept.start, extent.start)
                common = Extent(start, min(kept.end, extent.end) - start)
                at = _first_used(stream, common, base.gpt)
                if at is not None:
                    raise _below_a_partition(base, at, extent, data)


def _holds_data(
    tools: Toolbox, stream: IO[bytes], base: BaseTable, work: Path, extent: Extent
) -> bool:
    """Whether a partition is for a system's files, and none that a chip reads a loader from.

    Vendors' tables have several of those, each of a few MiB. Which partitions have data, blkid(8)
    knows: by a file system, or what one may lie in, as of a RAID, LVM or LUKS.
    """
    if extent.size > _LARGEST_LOADER or extent in base.holds_others:
        return True
    copy = work / "partition-of-disk-from.img"
    with copy.open("wb") as target:
        target.truncate(extent.size)
        stream.seek(extent.start)
        target.write(stream.read(extent.size))
    try:
        found = tools.run(["blkid", "-p", "-s", "TYPE", "-o", "value", copy], quiet=True)
        return bool(found.strip())
    except CommandError as error:
        if error.status == _AMBIVALENT:
            return True
        if error.status != _NOTHING_KNOWN:
            raise
        return False
    finally:
        copy.unlink()


def _below_a_partition(
    base: BaseTable, at: int, extent: Extent, data: Extent | None
) -> ConfigError:
    within = next((e for e in base.partitions if e.start <= at < e.end), None)
    if data and at < data.start:
        hint = (
            f"let the first partition start where the image's first with data does: {data.start}"
            f" bytes are start={data.start // SECTOR}"
        )
    elif within:
        hint = f"let none of table= lie on bytes {within.start} to {within.end}"
    else:
        hint = "let the first partition start behind it"
    whose = " in a partition of its own" if within else ""
    return ConfigError(
        f"the image of disk-from= has a boot loader at byte {at}{whose}, where a partition"
        f" of table= lies, from byte {extent.start} on",
        hint=hint,
    )


def _on_the_table(table: PartitionTable, at: int) -> ConfigError:
    fitting = (at // SECTOR - 2) * 4
    shorter = f", or table-length: {fitting}" if fitting >= len(table.partitions) else ""
    return ConfigError(
        f"the image of disk-from= has a boot loader at byte {at}, on which the partition table of"
        f" this {table.label} label would lie, up to byte {label_extent(table).end}",
        hint=f"write table= with label: dos{shorter}"
        if table.label is Label.gpt
        else "name another image",
    )


def _first_used(stream: IO[bytes], extent: Extent, but: Sequence[Extent]) -> int | None:
    """The first byte in ``extent`` that is not zero, outside of those in ``but``."""
    at = extent.start
    while at < extent.end:
        skipped = next((e for e in but if e.start <= at < e.end), None)
        if skipped:
            at = skipped.end
            continue
        end = min([extent.end, at + _CHUNK, *(e.start for e in but if e.start > at)])
        stream.seek(at)
        content = stream.read(end - at)
        if not content:
            return None
        if any(content):
            return at + len(content) - len(content.lstrip(b"\0"))
        at += len(content)
    return None
