"""Which bytes of a file system's image must reach a card that held something else.

The file system itself is asked, not where the image has holes or zeros: a table of free clusters
is all zeros and has to be written, and what is a hole differs between hosts' file systems.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aimager.errors import ImageError
from aimager.image.filesystem.btrfs_blocks import Blocks
from aimager.model.layout import Extent, gaps
from aimager.model.partition import FileSystem
from aimager.toolbox import Toolbox

_FIRST_CLUSTER = 2  # no cluster has the numbers 0 and 1 (fatgen103, "FAT Data Structure")
_SWAP_HEADER = 4096
_NOT_MADE = "mkfs-arg= or tools=host has brought another FAT than aimager makes: leave them out"
_FREE_OF_GROUP = re.compile(r"^  Free blocks: *(.*)$", re.MULTILINE)


def used_extents(tools: Toolbox, image: Path, file_system: FileSystem) -> tuple[Extent, ...]:
    """The parts of ``image`` that its file system does not call free, in order.

    That is all of it for a file system that is not known here.

    :raises ImageError: when the image does not hold that file system
    """
    match file_system:
        case FileSystem.vfat:
            return (Extent(0, _fat_end(image)),)
        case FileSystem.ext4:
            listing = tools.run(["dumpe2fs", image], quiet=True)
            return gaps(tuple(_ext4_free(listing)), image.stat().st_size)
        case FileSystem.btrfs:
            with image.open("rb") as stream:
                blocks = Blocks(stream)
                return blocks.used(list(blocks.tree_roots()))
        case FileSystem.swap:
            return (Extent(0, min(_SWAP_HEADER, image.stat().st_size)),)
        case _:
            return (Extent(0, image.stat().st_size),)


@dataclass(frozen=True)
class _Fat:
    """The geometry of a FAT file system, in bytes; ``bits`` are those of an entry of its table."""

    table: Extent
    data: int
    cluster: int
    clusters: int

    @property
    def bits(self) -> int:
        """Its kind, which only the count of clusters tells (fatgen103, "FAT Type")."""
        if self.clusters < 4085:
            return 12
        return 16 if self.clusters < 65525 else 32


def _fat_end(image: Path) -> int:
    """Where the last cluster in use ends."""
    with image.open("rb") as stream:
        fat = _read_geometry(image, stream.read(512))
        stream.seek(fat.table.start)
        table = stream.read(fat.table.size)
    last = max(
        (number for number, entry in enumerate(_entries(table, fat)) if entry),
        default=_FIRST_CLUSTER - 1,
    )
    return fat.data + (last - _FIRST_CLUSTER + 1) * fat.cluster


def _read_geometry(image: Path, sector: bytes) -> _Fat:
    """The BIOS parameter block of a FAT file system's first sector (fatgen103)."""
    if len(sector) < 512 or sector[510:] != b"\x55\xaa":
        raise ImageError(f"{image.name} does not hold a FAT file system", hint=_NOT_MADE)
    size, per_cluster, reserved, tables, root_entries, sectors = struct.unpack_from(
        "<HBHBHH", sector, 11
    )
    (table_sectors,) = struct.unpack_from("<H", sector, 22)
    if not table_sectors:
        (table_sectors,) = struct.unpack_from("<I", sector, 36)
    if not sectors:
        (sectors,) = struct.unpack_from("<I", sector, 32)
    if not (size and per_cluster and tables and table_sectors):
        raise ImageError(f"{image.name} does not hold a FAT file system", hint=_NOT_MADE)
    root_sectors = -(-root_entries * 32 // size)
    data = reserved + tables * table_sectors + root_sectors
    return _Fat(
        table=Extent(reserved * size, table_sectors * size),
        data=data * size,
        cluster=per_cluster * size,
        clusters=(sectors - data) // per_cluster,
    )


def _entries(table: bytes, fat: _Fat) -> Iterator[int]:
    """The table's entries, at least to the last one in use, at most for the clusters that exist.

    The first two stand for no cluster.
    """
    used = len(table.rstrip(b"\0")) * 8 // fat.bits + 1
    count = min(fat.clusters + _FIRST_CLUSTER, used)
    if fat.bits == 32:
        # The highest four bits are reserved.
        yield from (e & 0x0FFFFFFF for e in struct.unpack_from(f"<{count}I", table))
    elif fat.bits == 16:
        yield from struct.unpack_from(f"<{count}H", table)
    else:
        for number in range(count):
            (pair,) = struct.unpack_from("<H", table, number * 3 // 2)
            yield pair >> 4 if number % 2 else pair & 0xFFF


def _ext4_free(listing: str) -> Iterator[Extent]:
    """The free blocks of all groups that dumpe2fs(8) lists, in order."""
    found = re.search(r"^Block size: +(\d+)$", listing, re.MULTILINE)
    if not found:
        raise ImageError(
            "dumpe2fs does not tell the block size",
            hint="tools=host has brought another e2fsprogs than aimager knows: leave it out",
        )
    block = int(found[1])
    for group in _FREE_OF_GROUP.findall(listing):
        for blocks in filter(None, group.split(", ")):
            first, _, last = blocks.partition("-")
            yield Extent(int(first) * block, (int(last or first) - int(first) + 1) * block)
