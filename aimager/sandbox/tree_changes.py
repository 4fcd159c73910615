"""What has changed in a tree since it was looked at."""

import errno
import os
import stat
import struct
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from aimager.errors import HostError
from aimager.sandbox.tree import Tree
from aimager.sandbox.written_files import WrittenFiles

_COPIED_EXACTLY = {"security.capability", "system.posix_acl_access", "system.posix_acl_default"}

_COARSE = 5
"""CLOCK_REALTIME_COARSE (clock_gettime(2)), by which file systems tell times."""

_TICK = 0.001
"""Seconds to wait for the clock of the tree's file system, which counts in a few of these."""

_SOON = 10**9
"""Nanoseconds that are waited for: no clock of a file system is so far ahead by itself."""

_TRIES = 3

_STATUS = struct.Struct("<3IqqQQQQ")
_OF_FOLDER = 20
"""Bytes of a status that tell a folder from what it was: mode, owner and time."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it was, in few bytes; a folder has ``attributes``, in the order of their names."""

    status: bytes
    attributes: tuple[tuple[str, bytes], ...] = ()

    @property
    def mode(self) -> int:
        """Its kind and mode."""
        return int(_STATUS.unpack(self.status)[0])

    @property
    def owner(self) -> tuple[int, int]:
        """Its user and group."""
        _, user, group, *_ = _STATUS.unpack(self.status)
        return user, group

    @property
    def mtime(self) -> int:
        """When its content changed last, in whole seconds since 1970."""
        return int(_STATUS.unpack(self.status)[3] // 10**9)

    @property
    def inode(self) -> int:
        """What is the same of all names of one file."""
        return int(_STATUS.unpack(self.status)[5])

    @property
    def links(self) -> int:
        """How many names it has."""
        return int(_STATUS.unpack(self.status)[7])

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.mode)

    def differs(self, other: "Seen") -> bool:
        """Whether one of them was written to, or is another file."""
        if not (self.is_folder and other.is_folder):
            return self.status != other.status
        is_same = self.status[:_OF_FOLDER] == other.status[:_OF_FOLDER]
        return not is_same or self.attributes != other.attributes


def _status(it: os.stat_result) -> bytes:
    times = it.st_mtime_ns, it.st_ctime_ns
    file = it.st_ino, it.st_size, it.st_nlink, it.st_rdev
    return _STATUS.pack(it.st_mode, it.st_uid, it.st_gid, *times, *file)


Snapshot = Mapping[str, Seen]
"""Everything below the top of a tree, by path."""


def look(tree: Tree) -> Snapshot:
    """See what ``tree`` holds. What is changed after that has another time than anything there.

    :raises HostError: when the clock is set back again and again
    """
    for _ in range(_TRIES):
        found, newest = dict[str, Seen](), 0
        for path, status in tree.walk():
            newest = max(newest, status.st_ctime_ns)
            found[path] = _see(tree, path, status)
        while 0 <= newest - time.clock_gettime_ns(_COARSE) < _SOON:
            time.sleep(_TICK)
        if newest < time.clock_gettime_ns(_COARSE):
            return found
        _bring_back(tree)
    raise HostError(
        "the clock is set back again and again", hint="set the clock right, and build again"
    )


def see(tree: Tree, path: str) -> Seen | None:
    """What is at a path of ``tree``, if anything is."""
    status = tree.lstat(path)
    return _see(tree, path, status) if status else None


def _see(tree: Tree, path: str, status: os.stat_result) -> Seen:
    attributes: tuple[tuple[str, bytes], ...] = ()
    if stat.S_ISDIR(status.st_mode):
        with tree.folder(path, os.O_NOFOLLOW) as descriptor:
            attributes = attributes_of(descriptor)
    return Seen(_status(status), attributes)


def _bring_back(tree: Tree) -> None:
    """Let no file of ``tree`` have changed later than now, as when the clock was set back."""
    now = time.clock_gettime_ns(_COARSE)
    for path, status in tree.walk():
        if status.st_ctime_ns > now:
            parent, _, name = path.rpartition("/")
            times = status.st_atime_ns, status.st_mtime_ns
            with tree.folder(parent) as folder:
                os.utime(name, ns=times, dir_fd=folder, follow_symlinks=False)


def attributes_of(descriptor: int) -> tuple[tuple[str, bytes], ...]:
    """The extended attributes of an open file that images keep, in the order of their names."""
    try:
        names = sorted(os.listxattr(descriptor))
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return ()
        raise
    kept = (n for n in names if n in _COPIED_EXACTLY or n.startswith("user."))
    return tuple((name, os.getxattr(descriptor, name)) for name in kept)


@dataclass(frozen=True)
class Changes:
    """What changed below ``top``, a folder of ``tree``, with paths relative to that.

    ``removed`` are files and folders that are gone or others now, what lies in a folder before it;
    ``made`` are new ones in their place, a folder before what lies in it; and ``kept`` are
    folders that were there and have another mode, owner, time or attribute, as they were.
    """

    tree: Tree
    top: str
    removed: tuple[tuple[str, Seen], ...]
    made: tuple[tuple[str, Seen], ...]
    kept: tuple[tuple[str, Seen, Seen], ...]

    def path(self, name: str) -> str:
        """The path in the tree of what has a path below the top."""
        return f"{self.top}/{name}" if self.top else name

    def __bool__(self) -> bool:
        return bool(self.removed or self.made or self.kept)


@dataclass(frozen=True)
class Difference:
    """What was changed in a tree since it was seen: each path as it was ``before``, if there was
    anything, and ``after``, if there still is."""

    before: Snapshot
    after: Snapshot


def watch(tree: Tree) -> Callable[[], Difference]:
    """Return what tells, once nobody changes ``tree`` any more, what was changed since now.

    What was only opened for writing counts as changed (`WrittenFiles`).
    """
    before, written = look(tree), WrittenFiles(tree)

    def difference() -> Difference:
        written.end()
        return look_again(tree, before, written.paths)

    return difference


def look_again(tree: Tree, before: Snapshot, written: Collection[str] = ()) -> Difference:
    """See what of ``tree`` is not as it was when it was looked at.

    A file counts as changed if it is among the ``written`` ones (`aimager.sandbox.written_files`),
    or if another of its names is new: be it that of a folder it lies in.
    """
    old, new = dict(before), dict[str, Seen]()
    for path, status in tree.walk():
        was, now = old.get(path), _see(tree, path, status)
        is_written = path in written and not now.is_folder
        if was and not is_written and not now.differs(was):
            del old[path]
        else:
            new[path] = now
    inodes = {seen.inode for seen in new.values() if not seen.is_folder}
    for path, seen in before.items():
        if seen.inode in inodes and not seen.is_folder and path not in old:
            old[path] = new[path] = seen
    return Difference(old, new)


def by_folders(path: str) -> str:
    """A key that sorts each folder before what lies in it, with nothing else in between.

    It sorts as the list of the path's parts does, and takes less memory.
    """
    return path.replace("/", "\0")


def find_changes(
    tree: Tree, found: Difference, top: str = "", others: tuple[str, ...] = ()
) -> Changes:
    """What of that lies below the folder ``top``, without the folders ``others`` in it."""
    old, new = (dict(_below(snapshot, top, others)) for snapshot in (found.before, found.after))
    kept = [n for n in new if n in old and old[n].is_folder and new[n].is_folder]
    made = sorted(set(new) - set(kept), key=by_folders)
    removed = set(old) - set(kept)
    return Changes(
        tree,
        top,
        tuple((n, old[n]) for n in sorted(removed, key=by_folders, reverse=True)),
        tuple((name, new[name]) for name in made),
        tuple((name, old[name], new[name]) for name in sorted(kept)),
    )


def _below(snapshot: Snapshot, top: str, others: tuple[str, ...]) -> Iterator[tuple[str, Seen]]:
    inside = f"{top}/" if top else ""
    outside = tuple(f"{other}/" for other in others)
    for path, seen in snapshot.items():
        if path.startswith(inside) and path not in others and not path.startswith(outside):
            yield path.removeprefix(inside), seen
