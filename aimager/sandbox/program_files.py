"""Which files a program needs to run: its loader, and the shared libraries that it names.

They are found as ld.so(8) finds them without its cache, by the fields of ELF's dynamic section
(elf(5)), so that nothing of the program has to be run.
"""

import os
import posixpath
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from aimager.sandbox.binfmt import program_interpreter
from aimager.sandbox.tree import Tree

T = TypeVar("T")

_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NEEDED, _DT_STRTAB, _DT_RPATH, _DT_RUNPATH = 1, 5, 15, 29

_LARGEST = 64 << 20
_FOLDERS = "usr/lib"
_OF_MACHINES = "usr/lib/*-linux-gnu*"
"""Where loaders look first: Debian's have a folder for each architecture."""

_ALWAYS_LOADED = "etc/ld.so.preload"


class UnknownFilesError(Exception):
    """What a program needs cannot be told."""


@dataclass(frozen=True)
class _Dynamic:
    needed: tuple[str, ...]
    folders: tuple[str, ...]


def program_files(tree: Tree, program: str, *, asked_for: Sequence[str] = ()) -> tuple[str, ...]:
    """The paths of ``program`` in ``tree`` and of all that it needs, sorted.

    ``asked_for`` are names of libraries that it may load while it runs, as far as they are there.

    :raises UnknownFilesError: when it is not an ELF file, or needs what is not found
    """
    if tree.lstat(_ALWAYS_LOADED):
        raise UnknownFilesError(f"/{_ALWAYS_LOADED} has libraries loaded to every program")
    content = _read(tree, program)
    loader = _understood(program_interpreter, content)
    if loader is None:
        raise UnknownFilesError(f"/{program} does not use shared libraries")
    usual = (*tree.glob(_OF_MACHINES), _FOLDERS)
    later = [place for name in asked_for if (place := _find(tree, name, usual))]
    found = {program, loader.lstrip("/"), *later}
    left = [program, *later]
    while left:
        path = left.pop()
        dynamic = _understood(_dynamic, _read(tree, path))
        folders = (*(_expand(folder, path) for folder in dynamic.folders), *usual)
        for name in dynamic.needed:
            place = _find(tree, name, folders)
            if place is None:
                raise UnknownFilesError(f"the library {name} of /{path} is not found")
            if place not in found:
                found.add(place)
                left.append(place)
    return tuple(sorted(found))


def _read(tree: Tree, path: str) -> bytes:
    if not tree.is_file(path):
        raise UnknownFilesError(f"/{path.lstrip('/')} is missing")
    return tree.read_bytes(path, _LARGEST)


def _find(tree: Tree, name: str, folders: Sequence[str]) -> str | None:
    if "/" in name:
        return None
    return next((f"{f}/{name}" for f in folders if tree.is_file(f"{f}/{name}")), None)


def _expand(folder: str, path: str) -> str:
    origin = f"/{posixpath.dirname(path)}"
    whole = folder.replace("${ORIGIN}", origin).replace("$ORIGIN", origin)
    return posixpath.normpath(whole).lstrip("/")


def _understood(read: Callable[[bytes], T], content: bytes) -> T:
    """What ``read`` finds in an ELF file, which may be damaged."""
    try:
        return read(content)
    except (struct.error, ValueError, IndexError) as error:
        raise UnknownFilesError(f"an ELF file is damaged: {error}") from error


def _dynamic(content: bytes) -> _Dynamic:
    """What an ELF file of little endian says that it needs."""
    if content[:4] != b"\x7fELF" or content[5] != 1:
        raise ValueError("it is not one of little endian")
    wide = content[4] == 2
    segments = list(_segments(content, wide=wide))
    entry = struct.Struct("<QQ" if wide else "<II")
    entries: list[tuple[int, int]] = []
    for kind, offset, _, size in segments:
        if kind == _PT_DYNAMIC:
            table = content[offset : offset + size - size % entry.size]
            if offset + size > len(content):
                raise ValueError("it is cut off")
            entries += entry.iter_unpack(table)
    entries = entries[: next((n for n, (tag, _) in enumerate(entries) if not tag), len(entries))]
    strings = dict(entries).get(_DT_STRTAB, 0)
    start = next(
        (
            offset + strings - at
            for kind, offset, at, size in segments
            if kind == _PT_LOAD and at <= strings < at + size
        ),
        0,
    )

    def text(place: int) -> str:
        return os.fsdecode(content[start + place : content.index(b"\0", start + place)])

    needed = [text(value) for tag, value in entries if tag == _DT_NEEDED]
    folders = [text(value) for tag, value in entries if tag in (_DT_RPATH, _DT_RUNPATH)]
    return _Dynamic(tuple(needed), tuple(f for some in folders for f in some.split(":") if f))


def _segments(content: bytes, *, wide: bool) -> Iterator[tuple[int, int, int, int]]:
    """Kind, offset, address and size in the file of each segment."""
    (table,) = struct.unpack_from("<Q" if wide else "<I", content, 32 if wide else 28)
    size, count = struct.unpack_from("<HH", content, 54 if wide else 42)
    for place in range(table, table + size * count, size):
        if wide:
            kind, _, offset, at, _, length = struct.unpack_from("<IIQQQQ", content, place)
        else:
            kind, offset, at, _, length = struct.unpack_from("<IIIII", content, place)
        yield kind, offset, at, length
