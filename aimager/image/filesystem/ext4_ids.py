"""Another id for an ext4 image that is made already, in place of making it again.

All checksums of its metadata begin with its UUID. A CRC is linear: with another beginning, those of
all texts of one length change by the same bits, which are added here without reading the texts. The
bytes are those that mke2fs(8) makes with the new id.
"""

import struct
import uuid as uuids

from aimager.image.changed_image import ChangedImage
from aimager.image.filesystem.crc32c import advance
from aimager.image.filesystem.ext4_layout import DESCRIPTOR, INODE, Ext4, Kind, Part
from aimager.image.filesystem.usage import BLOCK
from aimager.uuids import derive_uuid

_ALL = 0xFFFFFFFF
_UUID, _HASH_SEED, _GROUP, _SUM = 0x68, 0xEC, 0x5A, 0x3FC
_SUM_OF_DESCRIPTOR = 0x1E
_UUID_OF_JOURNAL = 0x30


def hash_seed(uuid: str) -> str:
    """What the names in folders are hashed with in the file system ``uuid``."""
    return derive_uuid(uuid, "hash_seed")


def change_ids(image: ChangedImage, uuid: str) -> None:
    """Let ``image`` be as mke2fs makes it with ``uuid``, and the seed of `hash_seed`.

    :raises UnknownLayoutError: when it is another than `aimager.image.filesystem.ext4` makes
    """
    _Change(Ext4(image), uuid).make()


class _Change:
    def __init__(self, ext4: Ext4, uuid: str) -> None:
        self.image = ext4.image
        self.uuid = uuids.UUID(uuid).bytes
        self.hash_seed = uuids.UUID(hash_seed(uuid)).bytes
        self.seed = advance(_ALL, self.uuid)
        self.parts = list(ext4.parts())
        self.flipped = advance(_ALL, ext4.uuid) ^ self.seed
        self.inodes_per_group = ext4.inodes_per_group
        self.groups = ext4.groups

    def make(self) -> None:
        descriptors = self._descriptors()
        # A folder's and an extent's checksum begin with the inode's number and generation.
        tail = self._flip(8 + BLOCK - 12), self._flip(8 + BLOCK - 4), self._flip(8 + BLOCK)
        for part in self.parts:
            match part.kind:
                case Kind.superblock:
                    self._superblock(part)
                case Kind.descriptors:
                    self.image.write(part.extent.start, descriptors)
                case Kind.inodes:
                    self._inodes(part)
                case Kind.folder:
                    self._add(part.extent.start + BLOCK - 4, tail[0])
                case Kind.extents:
                    self._add(part.extent.start + BLOCK - 4, tail[1])
                case Kind.attributes:
                    self._add(part.extent.start + 16, tail[2])
                case Kind.journal:
                    self.image.write(part.extent.start + _UUID_OF_JOURNAL, self.uuid)

    def _flip(self, length: int) -> int:
        """The bits that change in the checksum of a text of ``length`` bytes."""
        return advance(self.flipped, bytes(length))

    def _add(self, start: int, bits: int) -> None:
        (before,) = struct.unpack("<I", self.image.read(start, 4))
        self.image.write(start, struct.pack("<I", before ^ bits))

    def _superblock(self, part: Part) -> None:
        text = bytearray(self.image.read(part.extent.start, 1024))
        text[_UUID : _UUID + 16] = self.uuid
        text[_HASH_SEED : _HASH_SEED + 16] = self.hash_seed
        struct.pack_into("<I", text, _SUM, advance(_ALL, bytes(text[:_SUM])))
        self.image.write(part.extent.start, bytes(text))

    def _descriptors(self) -> bytes:
        """All descriptors, with the checksums of their bitmaps and their own."""
        text = bytearray(self.image.read(BLOCK, len(self.groups) * DESCRIPTOR))
        of_blocks, of_inodes = self._flip(BLOCK), self._flip(self.inodes_per_group // 8)
        for group in self.groups:
            at = group.number * DESCRIPTOR
            if group.has_block_bitmap:
                _add_halves(text, at + 0x18, at + 0x38, of_blocks)
            if group.has_inode_bitmap:
                _add_halves(text, at + 0x1A, at + 0x3A, of_inodes)
            struct.pack_into("<H", text, at + _SUM_OF_DESCRIPTOR, 0)
            begun = advance(self.seed, struct.pack("<I", group.number))
            whole = advance(begun, bytes(text[at : at + DESCRIPTOR]))
            struct.pack_into("<H", text, at + _SUM_OF_DESCRIPTOR, whole & 0xFFFF)
        return bytes(text)

    def _inodes(self, part: Part) -> None:
        """Those that were never written have no checksum, and are all zeros."""
        table = self.image.read(part.extent.start, part.extent.size)
        short, whole, none = bytearray(INODE), bytearray(INODE), bytes(INODE)
        struct.pack_into("<H", short, 0x7C, self._flip(8 + INODE) & 0xFFFF)
        _add_halves(whole, 0x7C, 0x82, self._flip(8 + INODE))
        # Of those that mke2fs reserves some have no fields beyond the first 128 bytes.
        masks = b"".join(
            (whole if table[at + 0x80] else short) if table[at : at + INODE] != none else none
            for at in range(0, len(table), INODE)
        )
        changed = int.from_bytes(table, "little") ^ int.from_bytes(masks, "little")
        self.image.write(part.extent.start, changed.to_bytes(len(table), "little"))


def _add_halves(text: bytearray, low: int, high: int, bits: int) -> None:
    for at, half in ((low, bits & 0xFFFF), (high, bits >> 16)):
        (before,) = struct.unpack_from("<H", text, at)
        struct.pack_into("<H", text, at, before ^ half)
