"""The partition table of the image that a disk starts from, and what ours must not write over.

Boot loaders lie between a table and the first partition, where their chip looks for them.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aimager.errors import ConfigError
from aimager.model.layout import Extent, label_extent
from aimager.model.partition import SECTOR, Label, PartitionTable

_ENTRY = struct.Struct("<B3xB3xII")
"""An entry of a DOS label: mark, type, first sector and number of sectors."""

_PROTECTIVE = 0xEE
_HEADER = struct.Struct("<8s16x4Q16xQ2I")
"""Of a GPT: signature; places of this header, of the other one, and of the first and last sector
for partitions; place, number and size of the entries (UEFI 5.3.2)."""
_MOST_ENTRIES = 1 << 12
_CHUNK = 1 << 20


@dataclass(frozen=True)
class BaseTable:
    """What of an image its table takes, and where its first partition starts, if it has one."""

    gpt: tuple[Extent, ...] = ()
    """The headers and entries of a GPT."""
    first: int | None = None


def read_base(image: Path) -> BaseTable:
    """The table of ``image``; one without any has none."""
    with image.open("rb") as stream:
        record = stream.read(SECTOR)
        if record[510:] != b"\x55\xaa":
            return BaseTable()
        entries = list(_ENTRY.iter_unpack(record[446:510]))
        if any(kind == _PROTECTIVE for _, kind, _, _ in entries):
            return _read_gpt(stream, image.stat().st_size)
    starts = [start * SECTOR for _, kind, start, size in entries if kind and size]
    return BaseTable(first=min(starts, default=None))


def _read_gpt(stream: IO[bytes], size: int) -> BaseTable:
    taken: list[Extent] = []
    starts: list[int] = []
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
            kind, first = content[at : at + 16], content[at + 32 : at + 40]
            if any(kind):
                starts.append(int.from_bytes(first, "little") * SECTOR)
        if place * SECTOR >= size:
            break
    inside = (Extent(e.start, min(e.end, size) - e.start) for e in taken if e.start < size)
    return BaseTable(tuple(inside), min(starts, default=None))


def check_base(image: Path, table: PartitionTable, placed: Sequence[Extent]) -> None:
    """See that ``table`` and the partitions at ``placed`` leave the boot loader of ``image`` whole.

    :raises ConfigError: when the table, or a partition, would lie on what comes before the image's
        own first partition
    """
    base = read_base(image)
    label = label_extent(table)
    # Without a partition, all that an image holds is a boot loader.
    loaders_end = image.stat().st_size if base.first is None else base.first
    with image.open("rb") as stream:
        at = _first_used(stream, Extent(SECTOR, label.end - SECTOR), base.gpt)
        if at is not None:
            raise _on_the_table(table, at)
        for extent in placed:
            before = min(loaders_end, extent.end)
            at = _first_used(stream, Extent(extent.start, before - extent.start), base.gpt)
            if at is not None:
                raise ConfigError(
                    f"the image of disk-from= has a boot loader at byte {at}, where a partition"
                    f" of table= lies, from byte {extent.start} on",
                    hint="let the first partition start behind it"
                    if base.first is None
                    else f"let the first partition start where the image's does: {base.first} bytes"
                    f" are start={base.first // SECTOR}",
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
