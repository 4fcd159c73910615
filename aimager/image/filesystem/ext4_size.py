"""The size of an ext4 image that holds a tree, in blocks of 4096 bytes and inodes of 256.

The layout's sizes are those of the kernel's Documentation/filesystems/ext4 and of e2fsprogs'
lib/ext2fs/{initialize,res_gdt}.c.
"""

from pathlib import Path

from aimager.image.filesystem.usage import BLOCK, Usage, usage
from aimager.model.partition import GiB, MiB

_BLOCKS_PER_GROUP = 8 * BLOCK
_INODES_PER_BLOCK = 16
_DESCRIPTORS_PER_BLOCK = 64
_BYTES_PER_INODE = 16384
_MAX_SPARE_DESCRIPTOR_BLOCKS = 1024


def ext4_size(tree: Path) -> int:
    """The bytes of an ext4 image for ``tree``: an eighth of it and 64 MiB are free; whole MiB."""
    return comfortable_size(usage(tree))


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
    copies = sum(has_superblock(group) for group in range(groups))
    return (
        groups * (table_blocks + 2)
        + copies * (1 + descriptor_blocks + spare_blocks)
        + journal_size(size) // BLOCK
    )


def has_superblock(group: int) -> bool:
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
