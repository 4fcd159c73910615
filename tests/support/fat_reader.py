"""Reading FAT in an image, as far as mkfs.fat and mtools write it."""

import functools
import struct
from collections.abc import Iterator

from tests.support.node import Node, Window

_LABEL, _FOLDER, _LONG_NAME = 0x08, 0x10, 0x0F


def is_fat(image: Window) -> bool:
    """Whether there is FAT12, FAT16 or FAT32."""
    sector = image.read(0, 512)
    return sector[82:87] == b"FAT32" or sector[54:58] == b"FAT1"


def read_fat(image: Window) -> Iterator[Node]:
    """All files, in the order of their folders' entries."""
    file_system = _Fat(image)
    yield from file_system.walk("", file_system.root())


class _Fat:
    def __init__(self, image: Window) -> None:
        self.image = image
        head = image.read(0, 512)
        self.sector, per_cluster, reserved, tables, entries = struct.unpack_from("<HBHBH", head, 11)
        self.cluster_size = self.sector * per_cluster
        (table_sectors,) = struct.unpack_from("<H", head, 22)
        (sectors,) = struct.unpack_from("<H", head, 19)
        self.is_fat32 = table_sectors == 0
        if self.is_fat32:
            (table_sectors,) = struct.unpack_from("<I", head, 36)
        self.root_cluster = struct.unpack_from("<I", head, 44)[0] if self.is_fat32 else 0
        self.table = image.read(reserved * self.sector, table_sectors * self.sector)
        self.root_at = (reserved + tables * table_sectors) * self.sector
        self.root_size = entries * 32
        self.data = self.root_at + -(-self.root_size // self.sector) * self.sector
        total = sectors or struct.unpack_from("<I", head, 32)[0]
        clusters = (total * self.sector - self.data) // self.cluster_size
        self.is_fat12 = not self.is_fat32 and clusters < 4085

    def next(self, cluster: int) -> int:
        if self.is_fat32:
            value: int = struct.unpack_from("<I", self.table, cluster * 4)[0] & 0x0FFFFFFF
        elif self.is_fat12:
            (pair,) = struct.unpack_from("<H", self.table, cluster * 3 // 2)
            value = pair >> 4 if cluster & 1 else pair & 0xFFF
        else:
            (value,) = struct.unpack_from("<H", self.table, cluster * 2)
        return value

    def chain(self, cluster: int) -> Iterator[int]:
        end = 0x0FFFFFF8 if self.is_fat32 else 0xFF8 if self.is_fat12 else 0xFFF8
        while 2 <= cluster < end:
            yield cluster
            cluster = self.next(cluster)

    def content(self, cluster: int) -> bytes:
        places = (self.data + (number - 2) * self.cluster_size for number in self.chain(cluster))
        return b"".join(self.image.read(place, self.cluster_size) for place in places)

    def file(self, cluster: int, size: int) -> bytes:
        return self.content(cluster)[:size]

    def root(self) -> bytes:
        if self.is_fat32:
            return self.content(self.root_cluster)
        return self.image.read(self.root_at, self.root_size)

    def walk(self, folder: str, content: bytes) -> Iterator[Node]:
        long_name = ""
        for at in range(0, len(content), 32):
            entry = content[at : at + 32]
            if entry[:1] in (b"\0", b""):
                return
            attributes = entry[11]
            if entry[0] == 0xE5 or entry[:2] in (b". ", b".."):
                continue
            if attributes == _LONG_NAME:
                piece = entry[1:11] + entry[14:26] + entry[28:32]
                long_name = piece.decode("utf-16-le").split("\0")[0] + long_name
                continue
            path = f"{folder}/{long_name or _short_name(entry)}"
            long_name = ""
            yield from self.entry(path, entry)

    def entry(self, path: str, entry: bytes) -> Iterator[Node]:
        tenth, time, date, accessed, high, mtime, mdate, low, size = struct.unpack_from(
            "<B7HI", entry, 13
        )
        cluster = high << 16 | low
        facts = {
            "attributes": f"{entry[11]:#x}",
            "short name": entry[:11].decode("latin-1"),
            "size": str(size),
            "mtime": _moment(mdate, mtime),
            "crtime": f"{_moment(date, time)} and {tenth} hundredths",
            "atime": _moment(accessed, 0),
            "clusters": " ".join(map(str, self.chain(cluster))),
        }
        if entry[11] & _FOLDER:
            yield Node(path, facts, bytes)
            yield from self.walk(path, self.content(cluster))
        elif entry[11] & _LABEL:
            yield Node(f"the label {entry[:11].decode('latin-1').strip()}", facts, bytes)
        else:
            yield Node(path, facts, functools.partial(self.file, cluster, size))


def _short_name(entry: bytes) -> str:
    """A name without a long one; Windows NT's two bits say which half is in lower case."""
    name, suffix = entry[:8].decode("latin-1").rstrip(), entry[8:11].decode("latin-1").rstrip()
    name = name.lower() if entry[12] & 0x08 else name
    suffix = suffix.lower() if entry[12] & 0x10 else suffix
    return f"{name}.{suffix}" if suffix else name


def _moment(date: int, time: int) -> str:
    day = f"{1980 + (date >> 9)}-{date >> 5 & 15:02}-{date & 31:02}"
    return f"{day} {time >> 11:02}:{time >> 5 & 63:02}:{(time & 31) * 2:02}"
