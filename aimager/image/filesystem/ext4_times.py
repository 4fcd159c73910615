"""Times of an ext4 image's inodes, for a mke2fs that copies them from the tree's.

mke2fs -d takes each inode's times from the tree, and ctime is always when the tree was made: no
program can set it. Since 1.47.1 mke2fs clamps all to SOURCE_DATE_EPOCH (e2fsprogs f353a1f1), and
nothing is left to do here. After one that is older, this reads the inodes' times from the image and
has debugfs set those that differ, because debugfs knows the inodes' checksums. The layout is that
of the kernel's Documentation/filesystems/ext4, as `ext4.make_ext4` chooses it: blocks of
4096 bytes, descriptors of 64, inodes of 256, fewer blocks than 2^32.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from aimager.toolbox import Toolbox

_SUPER_BLOCK = 1024
BLOCK = 4096
_DESCRIPTOR = 64
_INODE = 256

_ROOT_INODE = 2
_FIRST_ORDINARY_INODE = 11
"""Those between the root's and this are reserved; mke2fs itself gives them their times."""

_BITMAP_UNUSED = 0x1
"""EXT4_BG_INODE_UNINIT: the group has no inode in use, and its bitmap holds nothing."""


def clamp_times(tools: Toolbox, image: Path, epoch: int, *, at: int = 0) -> None:
    """Give all inodes of ``image`` the access and change time ``epoch``, and no later mtime.

    The file system begins at byte ``at`` of it.
    """
    with image.open("rb") as stream:
        commands = "".join(_commands(stream, epoch, at))
    if not commands:
        return
    tools.run(
        ["debugfs", "-w", "-f", "-", for_debugfs(image, at)],
        env={"E2FSPROGS_FAKE_TIME": str(epoch)},
        input=commands.encode(),
    )


def for_debugfs(image: Path, at: int) -> str:
    """What debugfs calls the file system that begins at byte ``at`` of ``image``.

    After a question mark, libext2fs reads options of whoever reads the file (its ext2fs_open2()).
    """
    return f"{image}?offset={at}" if at else str(image)


def _commands(image: IO[bytes], epoch: int, at: int) -> Iterator[str]:
    for number, inode in inodes_in_use(image, at):
        atime, ctime, mtime = struct.unpack_from("<3I", inode, 8)
        for field, wrong in (
            ("atime", atime != epoch),
            ("ctime", ctime != epoch),
            ("mtime", mtime > epoch),
        ):
            if wrong:
                yield f"set_inode_field <{number}> {field} @{epoch}\n"


def inodes_in_use(image: IO[bytes], at: int = 0) -> Iterator[tuple[int, bytes]]:
    """The numbers and bytes of the ordinary inodes in use of the ext4 from byte ``at`` on."""

    def read(size: int, place: int) -> bytes:
        return os.pread(image.fileno(), size, at + place)

    superblock = read(1024, _SUPER_BLOCK)
    (blocks,) = struct.unpack_from("<I", superblock, 4)
    blocks_per_group, _, inodes_per_group = struct.unpack_from("<3I", superblock, 32)
    groups = -(-blocks // blocks_per_group)
    descriptors = read(groups * _DESCRIPTOR, BLOCK)
    for group in range(groups):
        descriptor = descriptors[group * _DESCRIPTOR : (group + 1) * _DESCRIPTOR]
        bitmap_at, table_at = struct.unpack_from("<2I", descriptor, 4)
        flags, unused = struct.unpack_from("<H8xH", descriptor, 18)
        if flags & _BITMAP_UNUSED:
            continue
        used = inodes_per_group - unused
        bitmap = read(inodes_per_group // 8, bitmap_at * BLOCK)
        table = read(used * _INODE, table_at * BLOCK)
        for index in range(used):
            number = group * inodes_per_group + index + 1
            ordinary = number == _ROOT_INODE or number >= _FIRST_ORDINARY_INODE
            if ordinary and bitmap[index // 8] >> index % 8 & 1:
                yield number, table[index * _INODE : (index + 1) * _INODE]
