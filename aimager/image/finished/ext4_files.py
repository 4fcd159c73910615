"""Reading files of an ext4 image that is finished, by the kernel's Documentation/filesystems/ext4.

The image may be anybody's: whatever is read of it is limited, and what is not as
`aimager.image.filesystem.ext4` makes it is refused.
"""

import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from aimager.errors import ImageError
from aimager.image.changed_image import ChangedImage
from aimager.image.filesystem.ext4_attributes import read_attributes
from aimager.image.filesystem.ext4_layout import INODE, ROOT_INODE, Ext4
from aimager.image.filesystem.usage import BLOCK
from aimager.sandbox.tree import shown

_EXTENTS, _INLINE = 0x80000, 0x10000000
_FAST_LINK = 60
"""Bytes of a symbolic link's target from which it has a block of its own."""
_LARGEST_FOLDER = 8 << 20
_DEEPEST = 5
"""Levels of a tree of extents (ext4_ext_check() of the kernel)."""
_MOST_EXTENTS = 1 << 14
PIECE = 1 << 20
"""Bytes that are read at once of a file that may be large."""
_ATTRIBUTES = (0xEA020000).to_bytes(4, "little")


@dataclass(frozen=True)
class Found:
    """A file of an image; ``mtime`` is when its content changed last, in seconds since 1970."""

    inode: int
    mode: int
    owner: tuple[int, int]
    size: int
    mtime: int
    has_attributes: bool

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.mode)


class Ext4Files:
    """The files of ``image``.

    :raises UnknownLayoutError: when it is another ext4 than `aimager.image.filesystem.ext4` makes
    """

    def __init__(self, image: ChangedImage) -> None:
        self.ext4 = Ext4(image)
        self.image = image

    @property
    def made(self) -> int:
        """When the file system was made, in seconds since 1970, to which all times are cut."""
        return int(struct.unpack_from("<I", self.ext4.superblock, 0x108)[0])

    @property
    def top(self) -> Found:
        """The folder that all lies in."""
        return self._found(ROOT_INODE)

    def find(self, path: str) -> Found | None:
        """What lies at ``path``, no link of which is followed."""
        here = self.top
        for part in path.split("/") if path else ():
            if not here.is_folder:
                return None
            found = dict(self.names(here)).get(part)
            if found is None:
                return None
            here = self._found(found)
        return here

    def entries(self, folder: Found) -> Iterator[tuple[str, Found]]:
        """What lies in a folder, by name, in its order."""
        for name, number in self.names(folder):
            yield name, self._found(number)

    def names(self, folder: Found) -> Iterator[tuple[str, int]]:
        """The names in a folder, each with the number of its inode."""
        content = self._content(folder, _LARGEST_FOLDER)
        for start in range(0, len(content), BLOCK):
            at, end = start, min(start + BLOCK, len(content))
            while at + 8 <= end:
                number, length, size = struct.unpack_from("<IHB", content, at)
                if length < 8 or length % 4 or at + length > end or 8 + size > length:
                    raise _damaged("a folder")
                name = content[at + 8 : at + 8 + size].decode(errors="surrogateescape")
                if number and name not in (".", ".."):
                    if not name or "/" in name or "\0" in name:
                        raise _damaged("a name in a folder")
                    yield name, number
                at += length

    def read(self, file: Found, limit: int) -> bytes:
        """The content of a file, which has no more bytes than ``limit``."""
        return self._content(file, limit)

    def pieces(self, file: Found) -> Iterator[tuple[int, bytes]]:
        """The content of a file of any size, each piece with its place; holes are left out."""
        extents = list(islice(self._file_extents(file), _MOST_EXTENTS + 1))
        if len(extents) > _MOST_EXTENTS:
            raise _damaged("a file in more pieces than files have")
        for first, start, count in extents:
            for at in range(first * BLOCK, min((first + count) * BLOCK, file.size), PIECE):
                place = start * BLOCK + at - first * BLOCK
                end = min((first + count) * BLOCK, file.size)
                yield at, self.image.read(place, min(PIECE, end - at))

    def device(self, file: Found) -> tuple[int, int]:
        """The numbers of a device, as new_decode_dev() of the kernel reads them."""
        old, new = struct.unpack_from("<2I", self._raw(file.inode), 0x28)
        if old:
            return old >> 8 & 0xFF, old & 0xFF
        return (new & 0xFFF00) >> 8, new & 0xFF | new >> 12 & 0xFFF00

    def attributes(self, file: Found) -> dict[str, bytes]:
        """The extended attributes of a file, by name."""
        raw = self._raw(file.inode)
        extra, block = struct.unpack_from("<H", raw, 128)[0], struct.unpack_from("<I", raw, 0x68)[0]
        found: dict[str, bytes] = {}
        if raw[128 + extra : 132 + extra] == _ATTRIBUTES:
            found |= read_attributes(raw[132 + extra :], 0)
        if block:
            found |= read_attributes(self.image.read(block * BLOCK, BLOCK), 32)
        return found

    def target(self, link: Found) -> str:
        """What a symbolic link says."""
        if link.size < _FAST_LINK:
            text = self._raw(link.inode)[0x28 : 0x28 + link.size]
        else:
            text = self._content(link, BLOCK)
        if not text or b"\0" in text:
            raise _damaged("a link")
        return text.decode(errors="surrogateescape")

    def _raw(self, number: int) -> bytes:
        count = len(self.ext4.groups) * self.ext4.inodes_per_group
        raw = self.ext4.inode(number) if 0 < number <= count else b""
        if len(raw) < INODE:
            raise _damaged("the number of a file")
        return raw

    def _found(self, number: int) -> Found:
        raw = self._raw(number)
        mode, user, low, _, _, mtime = struct.unpack_from("<HH4I", raw)
        group, links = struct.unpack_from("<HH", raw, 24)
        high = struct.unpack_from("<I", raw, 0x6C)[0] if not stat.S_ISDIR(mode) else 0
        users, groups = struct.unpack_from("<HH", raw, 0x78)
        block, extra = struct.unpack_from("<I", raw, 0x68)[0], struct.unpack_from("<H", raw, 128)[0]
        inside = raw[128 + extra : 132 + extra] == _ATTRIBUTES
        if not links:
            raise _damaged("a file that was removed")
        owner = user | users << 16, group | groups << 16
        size = low | high << 32
        return Found(number, mode, owner, size, mtime, has_attributes=bool(block) or inside)

    def _content(self, file: Found, limit: int) -> bytes:
        if file.size > limit:
            raise ImageError(
                f"a file of {self.image.name} that set-up reads has {file.size} bytes",
                hint="no more than a few MiB are read: build anew with these settings",
            )
        content = bytearray(file.size)
        for first, start, count in islice(self._file_extents(file), _MOST_EXTENTS):
            at = first * BLOCK
            if at < file.size:
                data = self.image.read(start * BLOCK, min(count * BLOCK, file.size - at))
                content[at : at + len(data)] = data
        return bytes(content)

    def _file_extents(self, file: Found) -> Iterator[tuple[int, int, int]]:
        raw = self._raw(file.inode)
        (flags,) = struct.unpack_from("<I", raw, 0x20)
        if flags & _INLINE or not flags & _EXTENTS:
            raise _damaged("a file without extents")
        return self._extents(raw[0x28:0x64], _DEEPEST)

    def _extents(self, node: bytes, levels: int) -> Iterator[tuple[int, int, int]]:
        """First block in the file, first block in the image, and how many there are.

        None are there of what was allocated and not written. Each node below the first has some,
        as ext4_ext_check() of the kernel sees to it, too: so no tree takes longer than what it has.
        """
        magic, entries, _, depth = struct.unpack_from("<4H", node)
        if magic != 0xF30A or 12 + entries * 12 > len(node) or depth > levels:
            raise _damaged("a file's extents")
        for at in range(12, 12 + entries * 12, 12):
            if depth:
                _, low, high = struct.unpack_from("<2IH", node, at)
                below = self.image.read((low | high << 32) * BLOCK, BLOCK)
                if len(below) < BLOCK or not any(below[2:4]):
                    raise _damaged("a file's extents")
                yield from self._extents(below, depth - 1)
                continue
            first, count, high, low = struct.unpack_from("<I2HI", node, at)
            # What is longer was allocated and not written.
            yield first, low | high << 32, count if count <= 32768 else 0


def _damaged(what: str) -> ImageError:
    return ImageError(
        f"the root file system is damaged, or not made by aimager: {shown(what)[1:]}",
        hint="build the image anew",
    )
