"""Folders of any depth, walked without recursion, long paths or a descriptor for each level.

What packages ran may have nested folders deeper than Python recurses, than a path may be long, or
than a process may have files open: shutil.rmtree(), os.walk() and os.fwalk() end there.
"""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Entry:
    """``name`` in the folder that the descriptor ``folder`` is open for, until the next entry."""

    folder: int
    name: str
    is_folder: bool

    def status(self) -> os.stat_result:
        """What it is; no link is followed."""
        return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)


@dataclass(frozen=True)
class _Level:
    """A folder on the way down: its name in the one above, what it is, and folders left in it."""

    name: str
    identity: tuple[int, int]
    folders: list[str]


def walk_tree(top: Path, *, tolerant: bool = False) -> Iterator[Entry]:
    """All below the folder ``top``, what is in a folder before the folder itself.

    An entry may be removed when it is yielded. With ``tolerant``, others may change the tree
    meanwhile: what cannot be read, or is moved, is not found, or found twice.

    :raises OSError: but for ``tolerant``, when a folder cannot be read, or is moved meanwhile
    """
    allowed = OSError if tolerant else ()
    try:
        here = os.open(top, _FOLDER)
    except allowed:
        return
    try:
        way = [_Level("", _identity(here), [])]
        yield from _list(here, way[-1].folders)
        while True:
            while way[-1].folders:
                name = way[-1].folders.pop()
                try:
                    below = os.open(name, _FOLDER, dir_fd=here)
                except allowed:
                    continue
                os.close(here)
                here = below
                way.append(_Level(name, _identity(here), []))
                yield from _list(here, way[-1].folders)
            name = way.pop().name
            if not way:
                return
            try:
                above = os.open("..", _FOLDER, dir_fd=here)
            except allowed:
                return
            os.close(here)
            here = above
            if _identity(here) != way[-1].identity:
                if tolerant:
                    return
                raise OSError(errno.ESTALE, f"a folder below {top} was moved")
            yield Entry(here, name, is_folder=True)
    finally:
        os.close(here)


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _list(folder: int, folders: list[str]) -> Iterator[Entry]:
    """The files in a folder; the folders in it are added to ``folders``."""
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        if is_folder:
            folders.append(name)
        else:
            yield Entry(folder, name, is_folder=False)


def remove_below(top: Path) -> None:
    """Remove all that is in the folder ``top``, which stays.

    :raises OSError: when something cannot be removed
    """
    for entry in walk_tree(top):
        remove = os.rmdir if entry.is_folder else os.unlink
        remove(entry.name, dir_fd=entry.folder)


def remove_folder(path: Path) -> None:
    """Remove a folder with all that is in it.

    :raises OSError: when something cannot be removed
    """
    remove_below(path)
    path.rmdir()
