"""Archives of the kernel's kind of cpio, "newc": read, put in order, and written again.

Members are read as Linux does it (init/initramfs.c, driver-api/early-userspace/buffer-format.rst):
names that share an inode are one file, and the member that ends an archive separates what its
inodes mean from the next one's. Nothing is ever unpacked to a file system.
"""

import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import IO

from aimager.initramfs_stream import Source

MOST_MEMBERS = 1 << 18
LONGEST = 4096
"""Bytes of a name, and of a link: the kernel passes over longer ones (PATH_MAX)."""

_HEADER = re.compile(rb"07070[12]([0-9A-Fa-f]{104})")
_END = b"TRAILER!!!"
_CHUNK = 1 << 20
_BLOCK = 512
_ALIGNED = 16
_EARLY = "kernel/"
"""Where the kernel itself looks for what it needs early (lib/earlycpio.c)."""


class NotUnderstoodError(ValueError):
    """It is no archive that the kernel reads, or means what another order would not."""


@dataclass(frozen=True)
class Member:
    """A member, with the place of its data in the file that holds all members' data.

    ``device`` is what a device's node stands for.
    """

    name: bytes
    mode: int
    uid: int
    gid: int
    inode: tuple[int, int, int]
    links: int
    device: tuple[int, int]
    size: int
    place: int

    @property
    def path(self) -> str:
        """What the name means: the path relative to the root."""
        return str(PurePosixPath("/", self.name.decode(errors="surrogateescape"))).lstrip("/")

    @property
    def shares(self) -> bool:
        """Whether others may be the same file."""
        kind = stat.S_IFMT(self.mode)
        return self.links > 1 and kind not in (stat.S_IFDIR, stat.S_IFLNK)

    @property
    def alignment(self) -> int:
        """What the place of its data in the archive is a multiple of.

        A processor's microcode is taken from where it lies, which some have to be at such a place
        (arch/x86/kernel/cpu/microcode/intel.c).
        """
        return _ALIGNED if self.size and self.path.startswith(_EARLY) else 1


def read_archive(source: Source, data: IO[bytes]) -> list[Member]:
    """The members of the archive that begins here; what they hold is added to ``data``.

    :raises NotUnderstoodError: when it is none, or is cut off
    """
    members: list[Member] = []
    start = source.place
    while True:
        member = _read_member(source, data)
        _skip(source, -(source.place - start) % 4)
        if member.name == _END:
            return members
        members.append(member)
        if len(members) > MOST_MEMBERS:
            raise NotUnderstoodError(f"it has more than {MOST_MEMBERS} members")


def _read_member(source: Source, data: IO[bytes]) -> Member:
    start = source.place
    found = _HEADER.fullmatch(source.read(110))
    if not found:
        raise NotUnderstoodError("it is not a cpio archive of the kind newc")
    (inode, mode, uid, gid, links, _, size, *numbers, length, _) = (
        int(found[1][place : place + 8], 16) for place in range(0, 104, 8)
    )
    major, minor, *device = numbers
    name, zero, _ = (
        source.read(length).partition(b"\0") if length <= LONGEST + 1 else (b"", b"", b"")
    )
    longest = LONGEST if stat.S_ISLNK(mode) else size
    if not (name and zero) or size > longest:
        raise NotUnderstoodError("a name of a member is wrong, or too long")
    if b".." in name.split(b"/"):
        raise NotUnderstoodError("a name of a member leads out of where it lies")
    _skip(source, -(source.place - start) % 4)
    member = Member(
        name=name,
        mode=mode,
        uid=uid,
        gid=gid,
        inode=(major, minor, inode),
        links=links,
        device=(device[0], device[1]),
        size=size,
        place=data.tell(),
    )
    _copy(source, data, size)
    return member


def _skip(source: Source, size: int) -> None:
    if len(source.read(size)) < size:
        raise NotUnderstoodError("it is cut off")


def _copy(source: Source | IO[bytes], target: IO[bytes], size: int) -> None:
    while size:
        piece = source.read(min(size, _CHUNK))
        if not piece:
            raise NotUnderstoodError("it is cut off")
        target.write(piece)
        size -= len(piece)


def in_order(members: Sequence[Member]) -> list[Member]:
    """The members by name, each file's data with the last of its names.

    :raises NotUnderstoodError: when the kernel would make another tree of that
    """
    ordered: list[Member] = []
    seen: dict[str, Member] = {}
    present = {member.path for member in members}
    for member in sorted(members, key=lambda member: (member.path, member.name)):
        before = seen.get(member.path)
        if before and (not stat.S_ISDIR(member.mode) or _owned(before) != _owned(member)):
            raise NotUnderstoodError(f"it has two members of the name {member.path!a}")
        for folder in map(str, PurePosixPath(member.path).parents):
            if folder in present and not (folder in seen and stat.S_ISDIR(seen[folder].mode)):
                raise NotUnderstoodError(f"{member.path!a} in it is reached through another member")
        if not before:
            seen[member.path] = member
            ordered.append(member)
    return _joined(ordered)


def _owned(member: Member) -> tuple[int, int, int]:
    return member.mode, member.uid, member.gid


def _joined(members: Sequence[Member]) -> list[Member]:
    """Each group of names that are one file: the data at its end, and its inode and links alike."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for index, member in enumerate(members):
        key = (member.inode, stat.S_IFMT(member.mode)) if member.shares else (index,)
        groups.setdefault(key, []).append(index)
    made = list(members)
    for number, group in enumerate(groups.values(), 1):
        filled = [members[index] for index in group if members[index].size] or [members[group[-1]]]
        alike = {(*_owned(members[index]), members[index].device) for index in group}
        if len(filled) > 1 or len(alike) > 1:
            raise NotUnderstoodError(f"{filled[0].path!a} in it has names that differ")
        links = 2 if stat.S_ISDIR(filled[0].mode) else len(group)
        for index in group:
            size = filled[0].size if index == group[-1] else 0
            made[index] = replace(
                members[index],
                inode=(0, 0, number),
                links=links,
                size=size,
                place=filled[0].place,
            )
    return made


def write_archive(members: Sequence[Member], data: IO[bytes], target: IO[bytes]) -> None:
    """Write members, dated 1970, after what ``target`` holds."""
    for member in members:
        padding = -(target.tell() + 110 + len(member.name) + 1) % member.alignment
        _write_header(target, member, padding)
        data.seek(member.place)
        _copy(data, target, member.size)
        target.write(bytes(-target.tell() % 4))
    end = Member(_END, 0, 0, 0, (0, 0, 0), 1, (0, 0), 0, 0)
    _write_header(target, end, 0)
    target.write(bytes(-target.tell() % _BLOCK))


def _write_header(target: IO[bytes], member: Member, padding: int) -> None:
    name = member.name + bytes(1 + padding)
    numbers: Iterator[int] = iter(
        (
            *(member.inode[2], member.mode, member.uid, member.gid, member.links, 0, member.size),
            *(0, 0, *member.device, len(name), 0),
        )
    )
    target.write(b"070701" + b"".join(b"%08x" % number for number in numbers) + name)
    target.write(bytes(-target.tell() % 4))
