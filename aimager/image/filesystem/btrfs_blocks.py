"""The blocks of a btrfs image: its trees, and where they and everything else in use lie.

The layout is that of the kernel's include/uapi/linux/btrfs_tree.h, with CRC-32C as checksums.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import IO

from aimager.errors import ImageError
from aimager.image.filesystem.crc32c import changed_crc32c
from aimager.model.layout import Extent

ROOT_ITEM = 132
ROOT_UUID = 247
"""Where in a root's item the subvolume's id is."""

_OTHER = "mkfs-arg= or tools=host has brought another btrfs than aimager makes: leave them out"

_SUPER_BLOCKS = (64 << 10, 64 << 20, 256 << 30)
_SUPER_LENGTH = 4096
_MAGIC = b"_BHRfS_M"
_HEADER = 101
_ITEM = 25
_POINTER = 33
_EXTENT_ITEM = 168
_METADATA_ITEM = 169
_CHUNK_ITEM = 228

Change = tuple[int, bytes]
"""A place in a block, and the bytes that belong there."""


def items(block: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Of each item of a leaf: its kind, where its key is, where its data is, and their length."""
    (count,) = struct.unpack_from("<I", block, 96)
    for number in range(count):
        key = _HEADER + number * _ITEM
        offset, size = struct.unpack_from("<II", block, key + 17)
        yield block[key + 8], key, _HEADER + offset, size


def spare(block: bytes) -> tuple[int, int]:
    """The first byte of a block that is free, and the first after it that is not."""
    (count,) = struct.unpack_from("<I", block, 96)
    if block[100]:
        return _HEADER + count * _POINTER, len(block)
    return _HEADER + count * _ITEM, min((at for _, _, at, _ in items(block)), default=len(block))


class Blocks:
    """The blocks of a btrfs by their logical addresses."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        stream.seek(_SUPER_BLOCKS[0])
        block = stream.read(_SUPER_LENGTH)
        if block[64:72] != _MAGIC or struct.unpack_from("<H", block, 196)[0]:
            raise ImageError("mkfs.btrfs made no btrfs with CRC-32C", hint=_OTHER)
        self._root, self._chunk_root = struct.unpack_from("<QQ", block, 80)
        (self._node,) = struct.unpack_from("<I", block, 148)
        (length,) = struct.unpack_from("<I", block, 160)
        self._chunks: list[tuple[int, int, tuple[int, ...]]] = []
        self._read_system_chunks(block[811 : 811 + length])
        for _, leaf in self.walk(self._chunk_root):
            for kind, key, at, _ in [] if leaf[100] else list(items(leaf)):
                if kind == _CHUNK_ITEM:
                    (start,) = struct.unpack_from("<Q", leaf, key + 9)
                    self._add_chunk(start, leaf[at:])

    def _read_system_chunks(self, array: bytes) -> None:
        at = 0
        while at < len(array):
            (start,) = struct.unpack_from("<Q", array, at + 9)
            self._add_chunk(start, array[at + 17 :])
            (stripes,) = struct.unpack_from("<H", array, at + 17 + 44)
            at += 17 + 48 + 32 * stripes

    def _add_chunk(self, start: int, chunk: bytes) -> None:
        (length,) = struct.unpack_from("<Q", chunk)
        (stripes,) = struct.unpack_from("<H", chunk, 44)
        places = (struct.unpack_from("<Q", chunk, 48 + 32 * n + 8)[0] for n in range(stripes))
        self._chunks.append((start, length, tuple(places)))

    def _places(self, logical: int) -> tuple[int, ...]:
        for start, length, places in self._chunks:
            if start <= logical < start + length:
                return tuple(place + logical - start for place in places)
        raise ImageError(f"the btrfs has no chunk for its block {logical}", hint=_OTHER)

    def walk(self, logical: int) -> Iterator[tuple[int, bytes]]:
        """The block at ``logical``, and all that it leads to."""
        self._stream.seek(self._places(logical)[0])
        block = self._stream.read(self._node)
        yield logical, block
        if block[100]:
            (count,) = struct.unpack_from("<I", block, 96)
            for number in range(count):
                (below,) = struct.unpack_from("<Q", block, _HEADER + number * _POINTER + 17)
                yield from self.walk(below)

    def tree_roots(self) -> Iterator[int]:
        """The root blocks of all trees."""
        yield from (self._chunk_root, self._root)
        for data, _ in self._rootitems(self._root):
            yield struct.unpack_from("<Q", data, 176)[0]

    def used(self, roots: Sequence[int]) -> tuple[Extent, ...]:
        """The parts of the image in use, in order: superblocks, and the extents of all trees."""
        found = [Extent(at, _SUPER_LENGTH) for at in _SUPER_BLOCKS]
        for root in roots:
            for _, leaf in self.walk(root):
                for kind, key, _, _ in [] if leaf[100] else list(items(leaf)):
                    if kind in (_EXTENT_ITEM, _METADATA_ITEM):
                        logical, _, length = struct.unpack_from("<QBQ", leaf, key)
                        size = self._node if kind == _METADATA_ITEM else length
                        found += [Extent(place, size) for place in self._places(logical)]
        return tuple(sorted(found, key=lambda extent: extent.start))

    def subvolume_ids(self) -> Iterator[tuple[int, bytes]]:
        """The number and the id of every tree that has one."""
        for data, number in self._rootitems(self._root):
            old = data[ROOT_UUID : ROOT_UUID + 16]
            if old.strip(b"\0"):
                yield number, old

    def _rootitems(self, root: int) -> Iterator[tuple[bytes, int]]:
        for _, leaf in self.walk(root):
            for kind, key, at, size in [] if leaf[100] else list(items(leaf)):
                if kind == ROOT_ITEM:
                    yield leaf[at : at + size], struct.unpack_from("<Q", leaf, key)[0]

    def write(self, logical: int, block: bytes, changes: list[Change]) -> None:
        """Write ``changes`` of ``block`` in all its copies, with its checksum."""
        told = [
            (position - 32, block[position : position + len(new)], new)
            for position, new in changes
            if block[position : position + len(new)] != new
        ]
        (old,) = struct.unpack_from("<I", block)
        crc = changed_crc32c(old, len(block) - 32, told)
        for place in self._places(logical):
            for position, _, new in told:
                self._stream.seek(place + 32 + position)
                self._stream.write(new)
            self._stream.seek(place)
            self._stream.write(struct.pack("<I", crc))
