"""Reading files of a FAT image that is finished ("FAT Type" and "Directory Structure").

The image may be anybody's: whatever is read of it is limited.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from aimager.errors import ImageError
from aimager.image.changed_image import ChangedImage
from aimager.image.filesystem.fat_geometry import FIRST_CLUSTER, FOLDER_ENTRY, read_geometry

_LABEL, _FOLDER, _LONG_NAME = 0x08, 0x10, 0x0F
_END, _GONE = 0x00, 0xE5
_LOWER_STEM, _LOWER_SUFFIX = 0x08, 0x10
"""How Windows NT, and mtools, say that half of a short name is in lower case."""
_MOST, _DEEPEST = 20_000, 20
_LARGEST_FOLDER = 4 << 20
_LARGEST_TABLE = 64 << 20
"""Bytes: FAT32 has 4 for a cluster, and of 64 GB with clusters of 32 KiB has 8 MB."""


@dataclass(frozen=True)
class FatFile:
    """A file by its path, with the first of its clusters.

    ``written`` is when its content changed last, as ``YYYYMMDDhhmmss`` of the clock of the machine
    that wrote it.
    """

    path: str
    size: int
    cluster: int
    written: int = 0
    is_folder: bool = False


class FatFiles:
    """The files of ``image``.

    :raises ImageError: when it does not hold a FAT file system
    """

    def __init__(self, image: ChangedImage) -> None:
        self.image = image
        self.fat = read_geometry(image.name, image.read(0, 512))
        if self.fat.table.size > _LARGEST_TABLE:
            raise self._holds_too_much()
        self.table = image.read(self.fat.table.start, self.fat.table.size)

    @property
    def volume_id(self) -> str:
        """Its serial number, eight hexadecimal digits."""
        at = 67 if self.fat.bits == 32 else 39
        return f"{int.from_bytes(self.image.read(at, 4), 'little'):08x}"

    def files(self) -> Iterator[FatFile]:
        """All regular files, as `walk` has them."""
        return (file for file in self.walk() if not file.is_folder)

    def walk(self) -> Iterator[FatFile]:
        """All files and folders.

        :raises ImageError: when they are too many, or their folders lie in themselves
        """
        seen, left = 0, self.image.size
        folders = [("", 0, self.fat.root_cluster)]
        while folders:
            folder, depth, cluster = folders.pop()
            content = self._content(cluster) if folder or cluster else self._root()
            left -= len(content)
            if left < 0:
                raise self._holds_too_much()
            for name, kind, file in _entries(folder, content):
                seen += 1
                if seen > _MOST or depth > _DEEPEST:
                    raise self._holds_too_much()
                if kind & _FOLDER:
                    folders.append((name, depth + 1, file.cluster))
                yield file

    def _holds_too_much(self) -> ImageError:
        return ImageError(
            f"the boot file system of {self.image.name} is damaged, or holds too much",
            hint="build the image anew",
        )

    def read(self, file: FatFile) -> bytes:
        """The content of a file."""
        return self._content(file.cluster, file.size)

    def _root(self) -> bytes:
        return self.image.read(self.fat.root.start, self.fat.root.size)

    def pieces(self, file: FatFile) -> Iterator[bytes]:
        """The content of a file, cluster by cluster."""
        return self._pieces(file.cluster, file.size)

    def _content(self, cluster: int, size: int = _LARGEST_FOLDER) -> bytes:
        return b"".join(self._pieces(cluster, size))

    def _pieces(self, cluster: int, size: int) -> Iterator[bytes]:
        """What lies in a chain of clusters, ``size`` bytes at most."""
        left = size
        while FIRST_CLUSTER <= cluster < self.fat.clusters + FIRST_CLUSTER and left > 0:
            yield self.image.read(self.fat.place(cluster), min(self.fat.cluster, left))
            left -= self.fat.cluster
            cluster = self.fat.entry(self.table, cluster)


def _entries(folder: str, content: bytes) -> Iterator[tuple[str, int, FatFile]]:
    """The path of each entry of a folder, its attributes, and what else it says."""
    long_name = ""
    for at in range(0, len(content) - FOLDER_ENTRY + 1, FOLDER_ENTRY):
        entry = content[at : at + FOLDER_ENTRY]
        if entry[0] == _END:
            return
        attributes = entry[11]
        if entry[0] in (_GONE, ord(".")):
            long_name = ""
            continue
        if attributes == _LONG_NAME:
            piece = entry[1:11] + entry[14:26] + entry[28:32]
            long_name = piece.decode("utf-16-le", "replace").partition("\0")[0] + long_name
            continue
        name, long_name = long_name or _short_name(entry), ""
        if attributes & _LABEL or "/" in name or name in ("", ".", ".."):
            continue
        path = f"{folder}/{name}" if folder else name
        high, time, date, low, size = struct.unpack_from("<4HI", entry, 20)
        written, is_folder = _read_time(date, time), bool(attributes & _FOLDER)
        yield path, attributes, FatFile(path, size, high << 16 | low, written, is_folder)


def _read_time(date: int, time: int) -> int:
    """A file's date and time ("Date and Time Formats") in one number that can be read."""
    day = ((date >> 9) + 1980) * 10_000 + (date >> 5 & 15) * 100 + (date & 31)
    return day * 1_000_000 + (time >> 11) * 10_000 + (time >> 5 & 63) * 100 + (time & 31) * 2


def _short_name(entry: bytes) -> str:
    stem, suffix = (entry[a:b].decode("cp437").rstrip() for a, b in ((0, 8), (8, 11)))
    stem = stem.lower() if entry[12] & _LOWER_STEM else stem
    suffix = suffix.lower() if entry[12] & _LOWER_SUFFIX else suffix
    return f"{stem}.{suffix}" if suffix else stem
