"""What mkfs.btrfs takes from the clock or at random, replaced by what is always the same.

It reads the clock for roots, and copies each inode's ctime and atime, which no program can set; the
chunk tree's id and the subvolumes' are random. This writes all of them anew in place, in every
block of every tree and in each of its copies. The layout is that of the kernel's
include/uapi/linux/btrfs_tree.h; trees' checksums are CRC-32C, as `btrfs.make_btrfs` chooses.
"""

import os
import struct
import uuid as uuids
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from aimager.image.filesystem.btrfs_blocks import ROOT_ITEM, ROOT_UUID, Blocks, Change, items, spare
from aimager.model.layout import Extent, gaps
from aimager.uuids import derive_uuid

_CHUNK_TREE_ID = 64
_CHUNK = 1 << 14

_INODE_ITEM = 1
_DEVICE_EXTENT = 204
_UUID_SUBVOLUME = 251

_ATIME, _CTIME, _MTIME, _OTIME = 112, 124, 136, 148
_ROOT_TIMES = (327, 339, 351, 363)
_NO_UUID = bytes(16)


def make_repeatable(image: Path, *, uuid: str, epoch: int) -> None:
    """Give all roots and inodes of ``image`` times of ``epoch``, and ids derived from ``uuid``.

    An inode's mtime stays where it is not later.

    :raises ImageError: when it holds no btrfs of the kind that is made here
    """
    with image.open("r+b") as stream:
        disk = Blocks(stream)
        roots = list(disk.tree_roots())
        chunk_tree = uuids.UUID(derive_uuid(uuid, "chunk tree")).bytes
        subvolumes = {
            old: uuids.UUID(derive_uuid(uuid, f"subvolume {number}")).bytes
            for number, old in disk.subvolume_ids()
        }
        for root in roots:
            for logical, block in list(disk.walk(root)):
                start, end = spare(block)
                # What was moved within the block stays behind there.
                changes = [(_CHUNK_TREE_ID, chunk_tree), (start, bytes(end - start))]
                if not block[100]:
                    for kind, _, at, size in items(block):
                        data = block[at : at + size]
                        changes += _renewed(kind, data, at, epoch, chunk_tree, subvolumes)
                    changes += _sorted_uuids(block, subvolumes)
                disk.write(logical, block, changes)
        _clear(stream, disk.used(roots), image.stat().st_size)


def _clear(stream: IO[bytes], used: Sequence[Extent], size: int) -> None:
    """Write zeros over what the making left behind in free room: blocks of earlier states."""
    for gap in gaps(used, size):
        at = gap.start
        while at < gap.end:
            try:
                at = max(os.lseek(stream.fileno(), at, os.SEEK_DATA), at)
            except OSError:  # ENXIO: only a hole is left
                return
            count = min(_CHUNK, gap.end - at)
            if count > 0 and any(os.pread(stream.fileno(), count, at)):
                os.pwrite(stream.fileno(), bytes(count), at)
            at += _CHUNK


def _renewed(
    kind: int,
    data: bytes,
    at: int,
    epoch: int,
    chunk_tree: bytes,
    subvolumes: dict[bytes, bytes],
) -> Iterator[Change]:
    """What of an item is to change."""
    now = struct.pack("<QI", epoch, 0)
    if kind == _INODE_ITEM:
        yield from _inode_times(data, at, epoch)
    elif kind == ROOT_ITEM:
        yield from _inode_times(data, at, epoch)
        if len(data) > _ROOT_TIMES[-1]:
            for place in _ROOT_TIMES:
                if any(data[place : place + 12]):
                    yield at + place, now
            old = data[ROOT_UUID : ROOT_UUID + 16]
            if old != _NO_UUID:
                yield at + ROOT_UUID, subvolumes[old]
    elif kind == _DEVICE_EXTENT:
        yield at + 32, chunk_tree


def _inode_times(data: bytes, at: int, epoch: int) -> Iterator[Change]:
    now = struct.pack("<QI", epoch, 0)
    for place in (_ATIME, _CTIME, _OTIME):
        if any(data[place : place + 12]):
            yield at + place, now
    if struct.unpack_from("<QI", data, _MTIME) > (epoch, 0):
        yield at + _MTIME, now


def _sorted_uuids(block: bytes, subvolumes: dict[bytes, bytes]) -> Iterator[Change]:
    """The keys of the tree of ids, which are the ids themselves, in their new order."""
    found = []
    for kind, key, at, size in items(block):
        if kind == _UUID_SUBVOLUME:
            old = block[key : key + 8] + block[key + 9 : key + 17]
            new = subvolumes.get(old, old)
            found.append((struct.unpack("<QQ", new), new, block[at : at + size], key, at))
    for (_, new, data, _, _), (_, _, _, key, at) in zip(sorted(found), found, strict=True):
        yield key, new[:8]
        yield key + 9, new[8:]
        yield at, data
