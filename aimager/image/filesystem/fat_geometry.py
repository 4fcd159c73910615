"""Where a FAT file system has what, by its first sector (Microsoft's FAT specification, 2000)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from aimager.errors import ImageError
from aimager.model.layout import Extent

FIRST_CLUSTER = 2
"""No cluster has the numbers 0 and 1 ("FAT Data Structure")."""

FOLDER_ENTRY = 32
"""Bytes of an entry of a folder."""

_SECTOR = 512
_NOT_MADE = "mkfs-arg= or tools=host has brought another FAT than aimager makes: leave them out"


@dataclass(frozen=True)
class FatGeometry:
    """All is in bytes; ``bits`` are those of an entry of ``table``, the first of them all.

    The root folder lies in ``root``, or, where that is empty, in ``root_cluster`` and what follows.
    """

    bits: int
    table: Extent
    root: Extent
    root_cluster: int
    data: int
    cluster: int
    clusters: int

    def place(self, cluster: int) -> int:
        """Where a cluster begins."""
        return self.data + (cluster - FIRST_CLUSTER) * self.cluster

    def entries(self, table: bytes) -> Iterator[int]:
        """The entries of ``table``, at least to the last one in use, at most for all clusters.

        The first two stand for no cluster.
        """
        used = len(table.rstrip(b"\0")) * 8 // self.bits + 1
        for number in range(min(self.clusters + FIRST_CLUSTER, used)):
            yield self.entry(table, number)

    def entry(self, table: bytes, number: int) -> int:
        """The entry of ``table`` for a cluster."""
        if self.bits == 32:
            # The highest four bits are reserved.
            return int.from_bytes(table[number * 4 : number * 4 + 4], "little") & 0x0FFFFFFF
        place = number * self.bits // 8
        pair = int.from_bytes(table[place : place + 2], "little")
        if self.bits == 16:
            return pair
        return pair >> 4 if number % 2 else pair & 0xFFF


def read_geometry(name: str, sector: bytes) -> FatGeometry:
    """The geometry that the first ``sector`` of the image ``name`` tells.

    :raises ImageError: when it does not belong to a FAT file system
    """
    if len(sector) < _SECTOR or sector[510:512] != b"\x55\xaa":
        raise ImageError(f"{name} does not hold a FAT file system", hint=_NOT_MADE)
    size, per_cluster, reserved, tables, root_entries, few = struct.unpack_from(
        "<HBHBHH", sector, 11
    )
    (short,) = struct.unpack_from("<H", sector, 22)
    many, long = struct.unpack_from("<2I", sector, 32)
    (root_cluster,) = struct.unpack_from("<I", sector, 44)
    if not (size and per_cluster and tables and (short or long)):
        raise ImageError(f"{name} does not hold a FAT file system", hint=_NOT_MADE)
    root = Extent((reserved + tables * (short or long)) * size, root_entries * FOLDER_ENTRY)
    data = root.start // size + -(-root.size // size)
    clusters = ((few or many) - data) // per_cluster
    return FatGeometry(
        bits=_bits(clusters, is_long=not short),
        table=Extent(reserved * size, (short or long) * size),
        root=root,
        root_cluster=0 if short else root_cluster,
        data=data * size,
        cluster=per_cluster * size,
        clusters=clusters,
    )


def _bits(clusters: int, *, is_long: bool) -> int:
    """Its kind ("FAT Type"). Systems take one with a table's long size for FAT32, however few its
    clusters (Linux, fs/fat/inode.c)."""
    if is_long:
        return 32
    return 12 if clusters < 4085 else 16
