"""Where an ext4 image has its metadata, all that is not a file's content, by the kernel's
Documentation/filesystems/ext4, as `aimager.image.filesystem.ext4` chooses its layout: blocks of
4096 bytes, descriptors of 64, inodes of 256, fewer blocks than 2^32, checksums everywhere.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from aimager.errors import ImageError
from aimager.image.changed_image import ChangedImage
from aimager.image.filesystem.ext4_size import has_superblock
from aimager.image.filesystem.usage import BLOCK
from aimager.model.layout import Extent

SUPERBLOCK = 1024
DESCRIPTOR = 64
INODE = 256

ROOT_INODE = 2
_JOURNAL_INODE = 8

_INODE_BITMAP_UNUSED, _BLOCK_BITMAP_UNUSED = 0x1, 0x2
"""EXT4_BG_INODE_UNINIT and EXT4_BG_BLOCK_UNINIT: the bitmap is not written, nor summed."""

_COMPATIBLE, _INCOMPATIBLE, _READ_ONLY = 0x3C, 0x2C2, 0x46B
"""Features of the superblock that are known here: those of `aimager.image.filesystem.ext4`."""

_FOLDER, _KIND = 0x4000, 0xF000
_INDEXED, _EXTENTS = 0x1000, 0x80000
_EXTENT_MAGIC = 0xF30A

_SEEN = struct.Struct("<H24xH4xI4xHHHH56xI10xH136x")
"""Of an inode: mode, links, flags, its extents' header, and where a block of attributes is."""


class Kind(StrEnum):
    """What has a checksum of its own, by how it is computed."""

    superblock = "superblock"
    descriptors = "group descriptors"
    block_bitmap = "block bitmap"
    inode_bitmap = "inode bitmap"
    inodes = "inode table"
    folder = "folder"
    extents = "extents"
    attributes = "attributes"
    journal = "superblock of the journal"


@dataclass(frozen=True)
class Part:
    """What lies in ``extent``; ``group`` is the one that it is of, or that has a copy."""

    kind: Kind
    extent: Extent
    group: int = 0


@dataclass(frozen=True)
class Group:
    """A group of blocks; ``inodes`` are those of its table that were ever used."""

    number: int
    block_bitmap: int
    inode_bitmap: int
    table: int
    inodes: int
    flags: int

    @property
    def has_block_bitmap(self) -> bool:
        """Whether the block bitmap is written."""
        return not self.flags & _BLOCK_BITMAP_UNUSED

    @property
    def has_inode_bitmap(self) -> bool:
        """Whether the inode bitmap is written."""
        return not self.flags & _INODE_BITMAP_UNUSED


class Ext4:
    """The layout of ``image``.

    :raises UnknownLayoutError: when it is another than `aimager.image.filesystem.ext4` makes
    """

    def __init__(self, image: ChangedImage) -> None:
        self.image = image
        self.superblock = image.read(SUPERBLOCK, 1024)
        magic, size = self._at("H", 0x38), self._at("I", 0x18)
        features = [self._at("I", at) for at in (0x5C, 0x60, 0x64)]
        known = (_COMPATIBLE, _INCOMPATIBLE, _READ_ONLY)
        sizes = (size, self._at("H", 0x58), self._at("H", 0xFE), self._at("I", 0x14))
        if (
            magic != 0xEF53
            or sizes != (2, INODE, DESCRIPTOR, 0)
            or any(has & ~may for has, may in zip(features, known, strict=True))
            or not features[2] & 0x400
        ):
            raise UnknownLayoutError("the image holds no ext4 of the kind that is made here")
        self.blocks = self._at("I", 4)
        self.blocks_per_group, self.inodes_per_group = self._at("I", 0x20), self._at("I", 0x28)
        if (
            self.blocks * BLOCK > image.size
            or self.blocks_per_group != 8 * BLOCK
            or not 0 < self.inodes_per_group <= 8 * BLOCK
        ):
            raise UnknownLayoutError("the image holds no ext4 that is in order")

    def _at(self, form: str, at: int) -> int:
        value: int = struct.unpack_from(f"<{form}", self.superblock, at)[0]
        return value

    @property
    def uuid(self) -> bytes:
        """The file system's id."""
        return self.superblock[0x68:0x78]

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Its groups, as the first copy of their descriptors has them."""
        count = -(-self.blocks // self.blocks_per_group)
        table = self.image.read(BLOCK, count * DESCRIPTOR)
        return tuple(
            self._group(number, table[number * DESCRIPTOR : (number + 1) * DESCRIPTOR])
            for number in range(count)
        )

    def _group(self, number: int, text: bytes) -> Group:
        blocks, inodes, table = struct.unpack_from("<3I", text)
        flags, unused = struct.unpack_from("<H8xH", text, 18)
        used = 0 if flags & _INODE_BITMAP_UNUSED else self.inodes_per_group - unused
        return Group(number, blocks, inodes, table, used, flags)

    def parts(self) -> Iterator[Part]:
        """All that has a checksum, copies too."""
        size = -(-len(self.groups) * DESCRIPTOR // BLOCK) * BLOCK
        for group in self.groups:
            if has_superblock(group.number):
                start = group.number * self.blocks_per_group * BLOCK
                within = start if group.number else SUPERBLOCK
                yield Part(Kind.superblock, Extent(within, 1024), group.number)
                yield Part(Kind.descriptors, Extent(start + BLOCK, size), group.number)
            if group.has_block_bitmap:
                yield _block(Kind.block_bitmap, group.block_bitmap, group.number)
            if group.has_inode_bitmap:
                yield _block(Kind.inode_bitmap, group.inode_bitmap, group.number)
            if group.inodes:
                table = Extent(group.table * BLOCK, group.inodes * INODE)
                yield Part(Kind.inodes, table, group.number)
                yield from self._parts_of_inodes(self.image.read(table.start, table.size))
        for extent in self.content(self.inode(_JOURNAL_INODE))[:1]:
            yield Part(Kind.journal, Extent(extent.start, BLOCK))

    def _parts_of_inodes(self, table: bytes) -> Iterator[Part]:
        for index, seen in enumerate(_SEEN.iter_unpack(table)):
            mode, links, flags, _, _, _, depth, low, high = seen
            if not links:  # it was removed, and says still what it had
                continue
            is_folder = mode & _KIND == _FOLDER
            has_extents = flags & _EXTENTS
            if is_folder and (flags & _INDEXED or not has_extents):
                raise UnknownLayoutError("the ext4 image has a folder that is hashed")
            if is_folder or (has_extents and depth):
                content = table[index * INODE + 0x28 : index * INODE + 0x64]
                yield from self._parts_of_content(content, None if is_folder else [])
            if low or high:
                yield _block(Kind.attributes, low | high << 32)

    def _parts_of_content(self, node: bytes, found: list[Extent] | None) -> Iterator[Part]:
        """The blocks that a tree of extents takes; those of files' content go to ``found``."""
        magic, entries, _, depth = struct.unpack_from("<4H", node)
        if magic != _EXTENT_MAGIC:
            raise UnknownLayoutError("a file of the ext4 image has no extents")
        for at in range(12, 12 + entries * 12, 12):
            if depth:
                low, high = struct.unpack_from("<4xIH", node, at)
                part = _block(Kind.extents, low | high << 32)
                yield part
                below = self.image.read(part.extent.start, BLOCK)
                yield from self._parts_of_content(below, found)
                continue
            length, high, low = struct.unpack_from("<4xHHI", node, at)
            start = low | high << 32
            if found is not None:
                # 32768 is the most; what is longer was allocated and not written.
                found.append(Extent(start * BLOCK, (length if length <= 32768 else 0) * BLOCK))
            else:
                yield from (_block(Kind.folder, start + n) for n in range(length))

    def inode(self, number: int) -> bytes:
        """The bytes of an inode."""
        group, index = divmod(number - 1, self.inodes_per_group)
        return self.image.read(self.groups[group].table * BLOCK + index * INODE, INODE)

    def content(self, inode: bytes) -> list[Extent]:
        """Where the content of a file lies that has extents; of another one nothing."""
        found: list[Extent] = []
        if struct.unpack_from("<I", inode, 0x20)[0] & _EXTENTS:
            for _ in self._parts_of_content(inode[0x28:0x64], found):
                pass
        return found

    def blocks_in_use(self) -> int:
        """A bit for each block that the bitmaps call used, that of block 0 the lowest."""
        size = self.blocks_per_group // 8
        groups = (
            self.image.read(group.block_bitmap * BLOCK, size)
            if group.has_block_bitmap
            else bytes(size)
            for group in self.groups
        )
        bits = int.from_bytes(b"".join(groups), "little")
        return bits & ((1 << self.blocks) - 1)  # those beyond the end are called used

    def extents_in_use(self) -> Iterator[Extent]:
        """All that is not free, in order; of a group without a bitmap its copies."""
        bits = self.blocks_in_use()
        for part in self.parts():
            first, end = part.extent.start // BLOCK, -(-part.extent.end // BLOCK)
            bits |= (1 << end) - (1 << first)
        return runs(bits)


def runs(bits: int) -> Iterator[Extent]:
    """Where the blocks lie whose bits are set, those that follow one another together."""
    text = f"{bits:b}"[::-1]
    end = 0
    while (start := text.find("1", end)) >= 0:
        end = text.find("0", start)
        end = len(text) if end < 0 else end
        yield Extent(start * BLOCK, (end - start) * BLOCK)


class UnknownLayoutError(ImageError):
    """An image that other programs, or other arguments, have made."""

    def __init__(self, message: str) -> None:
        super().__init__(message, hint="build again; tools=host may have brought other programs")


def _block(kind: Kind, number: int, group: int = 0) -> Part:
    return Part(kind, Extent(number * BLOCK, BLOCK), group)
