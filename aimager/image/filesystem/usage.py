"""What a tree takes in any file system, and the error where that is more than there is.

Counted from what the tree holds, never from how a host stores it (st_blocks), so that equal trees
get images of equal sizes.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from aimager.errors import ImageError
from aimager.units import mebibytes

BLOCK = 4096

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


def too_small(label: str, given: int, least: int, comfortable: int) -> ImageError:
    """The error for a file system that was given fewer bytes than its content takes."""
    variable = "root-size= or table=" if label == "root" else "table="
    return ImageError(
        f"the {label} file system needs {mebibytes(least)}, but was given {mebibytes(given)}",
        hint=f"give it more with {variable}, such as {mebibytes(comfortable)}, or leave that out",
    )
