"""The partition table of a finished image: where its partitions lie, and its ids, read and changed.

A GPT is as UEFI 5.3 has it, a DOS label as 5.2.1.
"""

import struct
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from aimager.errors import ImageError
from aimager.image.changed_image import ChangedImage
from aimager.model.layout import Extent
from aimager.model.partition import SECTOR, Label

_DOS_ID, _DOS_ENTRIES, _SIGNATURE = 440, 446, 510
_DOS_ENTRY = struct.Struct("<B3xB3xII")
_PROTECTIVE = 0xEE
_MOST_ENTRIES = 1 << 10

_HEADER = struct.Struct("<8sIIII4Q16sQIII")
"""Signature, revision, the header's size and sum, a zero, the places of this header, of the other,
and of the first and last sector for partitions, the disk's id; then of the entries their place,
number, size and sum (5.3.2)."""
_SUM, _DISK_ID, _SUM_OF_ENTRIES = 16, 56, 88
_GPT_ENTRY = struct.Struct("<16s16sQQ")


@dataclass(frozen=True)
class Slot:
    """A partition: its ``number``, as the kernel counts, where it lies, and its PARTUUID."""

    number: int
    extent: Extent
    partuuid: str


@dataclass(frozen=True)
class DiskLabel:
    """A partition table; ``id`` is a UUID, or the eight hexadecimal digits of a DOS label."""

    label: Label
    id: str
    slots: tuple[Slot, ...]
    second: Extent | None = None
    """Where a GPT has its second copy."""


def read_label(image: ChangedImage) -> DiskLabel | None:
    """The table of ``image``; None: it has none, or one that is not in order."""
    record = image.read(0, SECTOR)
    if record[_SIGNATURE:] != b"\x55\xaa":
        return None
    entries = list(_DOS_ENTRY.iter_unpack(record[_DOS_ENTRIES:_SIGNATURE]))
    if any(kind == _PROTECTIVE for _, kind, _, _ in entries):
        return _read_gpt(image)
    (number,) = struct.unpack_from("<I", record, _DOS_ID)
    slots = tuple(
        Slot(index, Extent(start * SECTOR, size * SECTOR), f"{number:08x}-{index:02x}")
        for index, (_, kind, start, size) in enumerate(entries, 1)
        if kind and size
    )
    return _in_order(image, DiskLabel(Label.dos, f"{number:08x}", slots))


@dataclass(frozen=True)
class _Gpt:
    """A header, and the entries that it tells of."""

    header: bytes
    entries: bytes
    place: int
    other: int
    entries_place: int
    entry: int


def _read_header(image: ChangedImage, place: int) -> _Gpt | None:
    """The copy of a GPT whose header lies there, if its sums fit."""
    header = image.read(place * SECTOR, SECTOR)
    if len(header) < SECTOR or not header.startswith(b"EFI PART"):
        return None
    fields = _HEADER.unpack_from(header)
    _, _, length, checksum, _, own, other, _, _, _, entries_place, number, entry, summed = fields
    if own != place or not _HEADER.size <= length <= SECTOR or number > _MOST_ENTRIES:
        return None
    if not 128 <= entry <= SECTOR or entry % 8:
        return None
    entries = image.read(entries_place * SECTOR, number * entry)
    whole = bytearray(header[:length])
    struct.pack_into("<I", whole, _SUM, 0)
    if zlib.crc32(whole) != checksum or zlib.crc32(entries) != summed:
        return None
    return _Gpt(header, entries, place, other, entries_place, entry)


def _read_gpt(image: ChangedImage) -> DiskLabel | None:
    gpt = _read_header(image, 1)
    second = _read_header(image, gpt.other) if gpt else None
    if gpt is None or second is None or second.entries != gpt.entries:
        return None
    slots = []
    for index in range(len(gpt.entries) // gpt.entry):
        kind, own, first, last = _GPT_ENTRY.unpack_from(gpt.entries, index * gpt.entry)
        if any(kind):
            extent = Extent(first * SECTOR, (last - first + 1) * SECTOR)
            slots.append(Slot(index + 1, extent, str(uuid.UUID(bytes_le=own))))
    identity = str(uuid.UUID(bytes_le=gpt.header[_DISK_ID : _DISK_ID + 16]))
    start = min(second.place, second.entries_place) * SECTOR
    taken = Extent(start, image.size - start)
    return _in_order(image, DiskLabel(Label.gpt, identity, tuple(slots), taken))


def _in_order(image: ChangedImage, label: DiskLabel) -> DiskLabel | None:
    """The same, with its partitions as they follow one another; None if they overlap, or lie
    beyond the end."""
    slots = sorted(label.slots, key=lambda slot: slot.extent.start)
    end = SECTOR
    for slot in slots:
        if slot.extent.start < end or slot.extent.size <= 0 or slot.extent.end > image.size:
            return None
        end = slot.extent.end
    return DiskLabel(label.label, label.id, tuple(slots), label.second)


def change_label_ids(
    image: ChangedImage, label: DiskLabel, identity: str, partuuids: Sequence[str]
) -> None:
    """Give the table of ``image`` another id, and of a GPT its partitions, in their order, others.

    :raises ImageError: when the table is not the one that was read
    """
    if label.label is Label.dos:
        image.write(_DOS_ID, struct.pack("<I", int(identity, 16)))
        return
    for place in (1, _other(image)):
        gpt = _read_header(image, place)
        if gpt is None:
            raise ImageError("the partition table has changed meanwhile", hint="try again")
        entries = bytearray(gpt.entries)
        for slot, partuuid in zip(label.slots, partuuids, strict=True):
            at = (slot.number - 1) * gpt.entry + 16
            entries[at : at + 16] = uuid.UUID(partuuid).bytes_le
        header = bytearray(gpt.header)
        header[_DISK_ID : _DISK_ID + 16] = uuid.UUID(identity).bytes_le
        struct.pack_into("<I", header, _SUM_OF_ENTRIES, zlib.crc32(entries))
        (length,) = struct.unpack_from("<I", header, 12)
        struct.pack_into("<I", header, _SUM, 0)
        struct.pack_into("<I", header, _SUM, zlib.crc32(bytes(header[:length])))
        image.write(place * SECTOR, bytes(header))
        image.write(gpt.entries_place * SECTOR, bytes(entries))


def _other(image: ChangedImage) -> int:
    (place,) = struct.unpack_from("<Q", image.read(SECTOR, SECTOR), 32)
    return int(place)
