"""The room that a tree needs in an ext4 file system of 4096-byte blocks and 256-byte inodes.

Counted from what a tree holds, never from how a host stores it (st_blocks), so that equal trees
get images of equal sizes. The layout's sizes are those of the kernel's
Documentation/filesystems/ext4 and of e2fsprogs' lib/ext2fs/{initialize,res_gdt}.c.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from aimager.model.partition import GiB, MiB

BLOCK = 4096

_BLOCKS_PER_GROUP = 8 * BLOCK
_GROUP = _BLOCKS_PER_GROUP * BLOCK
_INODES_PER_BLOCK = 16
_DESCRIPTORS_PER_BLOCK = 64
_BYTES_PER_INODE = 16384
_MAX_SPARE_DESCRIPTOR_BLOCKS = 1024

_INLINE_SYMLINK = 60
_ENTRIES_PER_BLOCK = BLOCK - 12 - 264
"""Bytes of a directory's block that are sure to be used: less the checksum, and the room in which
the longest name did not fit."""

_COPIED_XATTRS = ("security.capability", "system.posix_acl_", "user.")


@dataclass(frozen=True)
class Usage:
    """What a tree takes in any file system: ``blocks`` of content and ``inodes``."""

    blocks: int
    inodes: int


def usage(tree: Path) -> Usage:
    """Count the files of ``tree``; hard links once, holes as if they were full."""
    blocks = inodes = 0
    linked: set[tuple[int, int]] = set()
    folders = [os.fspath(tree)]
    while folders:
        folder = folders.pop()
        names = 24  # "." and ".."
        with os.scandir(folder) as entries:
            for entry in entries:
                names += 8 + (len(os.fsencode(entry.name)) + 3) // 4 * 4
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    folders.append(entry.path)
                    continue
                if status.st_nlink > 1:
                    if (status.st_dev, status.st_ino) in linked:
                        continue
                    linked.add((status.st_dev, status.st_ino))
                inodes += 1
                blocks += _content_blocks(status) + _xattr_blocks(entry.path)
        inodes += 1
        blocks += -(-names // _ENTRIES_PER_BLOCK) + _xattr_blocks(folder)
    return Usage(blocks, inodes)


def _content_blocks(status: os.stat_result) -> int:
    if stat.S_ISREG(status.st_mode):
        blocks = -(-status.st_size // BLOCK)
        # Up to four extents lie in the inode itself, each of at most 2^15 blocks.
        return blocks + (blocks // (1 << 15) + 1 if blocks > 4 << 15 else 0)
    if stat.S_ISLNK(status.st_mode):
        return int(status.st_size >= _INLINE_SYMLINK)
    return 0


def _xattr_blocks(path: str) -> int:
    names = os.listxattr(path, follow_symlinks=False)
    return int(any(name.startswith(_COPIED_XATTRS) for name in names))


def journal_size(size: int) -> int:
    """The bytes of the journal of an image of ``size`` bytes.

    It does not grow with the file system, so the smallest useful one, mke2fs's, is only for
    images that will hardly do.
    """
    if size >= GiB:
        return 64 * MiB
    return 16 * MiB if size >= 256 * MiB else 4 * MiB


def inode_count(size: int, tree: Usage) -> int:
    """How many inodes an image has: mke2fs's usual ratio, and always a quarter to spare."""
    return max(size // _BYTES_PER_INODE, tree.inodes + tree.inodes // 4 + 1024)


def smallest_size(tree: Usage) -> int:
    """The bytes of the smallest image that is sure to hold ``tree``: a few free blocks stay."""
    return _size_with(tree, tree.blocks // 50 + 1024)


def comfortable_size(tree: Usage) -> int:
    """The bytes of an image that holds ``tree`` and leaves an eighth of it and 64 MiB free.

    That is enough to boot, and for the system then to grow the file system to its disk.
    """
    return _size_with(tree, tree.blocks // 8 + 64 * MiB // BLOCK)


def _size_with(tree: Usage, free_blocks: int) -> int:
    # A group has at most as many inodes as blocks. 16 MiB: a last group may be left unused.
    least = inode_count(0, tree) * BLOCK + 16 * MiB
    size = max((tree.blocks + free_blocks) * BLOCK, least)
    while True:
        wanted = (tree.blocks + free_blocks + _metadata_blocks(size, tree)) * BLOCK
        wanted = -(-max(wanted, least) // MiB) * MiB
        if wanted <= size:
            return size
        size = wanted


def _metadata_blocks(size: int, tree: Usage) -> int:
    blocks = -(-size // BLOCK)
    groups = -(-blocks // _BLOCKS_PER_GROUP)
    inodes_per_group = -(-inode_count(size, tree) // groups)
    table_blocks = -(-inodes_per_group // _INODES_PER_BLOCK) + 1
    descriptor_blocks = -(-groups // _DESCRIPTORS_PER_BLOCK)
    # mke2fs reserves descriptors for a file system 1024 times as large.
    spare_blocks = min(1024 * groups // _DESCRIPTORS_PER_BLOCK, _MAX_SPARE_DESCRIPTOR_BLOCKS)
    copies = sum(_has_superblock(group) for group in range(groups))
    return (
        groups * (table_blocks + 2)
        + copies * (1 + descriptor_blocks + spare_blocks)
        + journal_size(size) // BLOCK
    )


def _has_superblock(group: int) -> bool:
    """Whether ``group`` has a copy of it: 0, 1 and the powers of 3, 5 and 7 (sparse_super)."""
    if group <= 1:
        return True
    for base in (3, 5, 7):
        power = base
        while power < group:
            power *= base
        if power == group:
            return True
    return False
