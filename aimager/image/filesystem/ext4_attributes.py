"""The extended attributes of an ext4 image's inodes, in the order of their names.

mke2fs -d writes them in the order in which the tree's file system lists them, and each has one of
its own: that of names backwards, that in which they were set, or any. Where an inode has several,
debugfs takes them away here and sets them again. The layout is that of the kernel's
Documentation/filesystems/ext4/attributes.rst, as far as it takes to see which inodes these are.
"""

import os
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from aimager.errors import ImageError
from aimager.image.filesystem.ext4_times import BLOCK, for_debugfs, inodes_in_use
from aimager.shown import shown
from aimager.toolbox import Toolbox

_MAGIC = (0xEA020000).to_bytes(4, "little")
_ENTRY = struct.Struct("<BBHIII")
_PREFIXES = {
    1: "user.",
    2: "system.posix_acl_access",
    3: "system.posix_acl_default",
    4: "trusted.",
    6: "security.",
}
"""By the index that an entry has in place of the beginning of its name."""


def sort_attributes(tools: Toolbox, image: Path, epoch: int, *, at: int = 0) -> None:
    """Give each inode of ``image`` its attributes in the order of their names.

    All times are ``epoch``, in seconds since 1970. The file system begins at byte ``at`` of it.

    :raises ImageError: when the name of one could not be told to debugfs
    """
    with image.open("rb") as stream:
        several = list(_unsorted(stream, at))
    if not several:
        return
    with tempfile.TemporaryDirectory(prefix=".attributes.", dir=image.parent) as folder:
        commands = "".join(_commands(several, Path(folder)))
        tools.run(
            ["debugfs", "-w", "-f", "-", for_debugfs(image, at)],
            env={"E2FSPROGS_FAKE_TIME": str(epoch)},
            input=commands.encode(errors="surrogateescape"),
        )


def _commands(several: list[tuple[int, list[str]]], folder: Path) -> Iterator[str]:
    for number, names in several:
        kept = [
            (quoted(name), quoted(str(folder / f"{number}.{index}")))
            for index, name in enumerate(sorted(names))
        ]
        yield from (f"ea_get -f {path} <{number}> {name}\n" for name, path in kept)
        yield from (f"ea_rm <{number}> {name}\n" for name, _ in kept)
        yield from (f"ea_set -f {path} <{number}> {name}\n" for name, path in kept)


def quoted(word: str) -> str:
    """A word as debugfs reads it (libss, parse.c)."""
    return '"{}"'.format(word.replace('"', '""'))


def _unsorted(image: IO[bytes], start: int) -> Iterator[tuple[int, list[str]]]:
    """The inodes whose attributes may be in another order, and the names of these.

    Where a block of its own holds some, it does not tell which of them belong in the inode.
    """
    for number, inode in inodes_in_use(image, start):
        (extra,) = struct.unpack_from("<H", inode, 128)
        inside = inode[128 + extra : 132 + extra] == _MAGIC
        names = list(_names(inode[132 + extra :])) if inside else []
        low, high = struct.unpack_from("<I10xH", inode, 104)
        at = low | high << 32
        block = os.pread(image.fileno(), BLOCK, start + at * BLOCK) if at else b""
        further = list(_names(block[32:]))
        if names != sorted(names) or (further and len(names + further) > 1):
            yield number, names + further


def _names(entries: bytes) -> Iterator[str]:
    """The names of the entries that ``entries`` begins with; zeros end them.

    :raises ImageError: when debugfs could not be told one
    """
    while len(entries) >= _ENTRY.size and entries[:4] != bytes(4):
        length, index, *_ = _ENTRY.unpack_from(entries)
        read = entries[_ENTRY.size : _ENTRY.size + length].decode(errors="surrogateescape")
        name = _PREFIXES.get(index, "") + read
        # debugfs reads a line at a time, and does what it says.
        if "\n" in name or "\0" in name:
            raise ImageError(
                f"a file has the extended attribute {shown(name)}, which has several lines",
                hint="a package, overlay= or files= has brought it: leave it out",
            )
        yield name
        entries = entries[(_ENTRY.size + length + 3) & ~3 :]


def read_attributes(area: bytes, first: int) -> dict[str, bytes]:
    """The attributes whose entries begin at ``first``; their values' places count from the start.

    Values that are not in the area, as they may be where somebody else made it, are cut.
    """
    found = {}
    at = first
    while at + _ENTRY.size <= len(area) and area[at : at + 4] != bytes(4):
        length, index, place, _, size, _ = _ENTRY.unpack_from(area, at)
        text = area[at + _ENTRY.size : at + _ENTRY.size + length]
        name = _PREFIXES.get(index, f"{index}.") + text.decode(errors="surrogateescape")
        found[name] = area[place : place + size]
        at += (_ENTRY.size + length + 3) & ~3
    return found
