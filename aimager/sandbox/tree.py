"""Reading and changing a root that packages filled, so that nothing in it leads out of it.

Such a root holds whatever somebody packed: links to anywhere, pipes, files where folders belong. So
none of its paths is ever joined to a path of the host. All are given to openat2(2) with a
descriptor of the root's top, and the kernel resolves their links as after chroot(2).
"""

import errno
import os
import re
import stat
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from itertools import takewhile
from pathlib import Path, PurePath
from typing import IO

from aimager.errors import HostError, ImageError
from aimager.sandbox.syscalls import (
    RESOLVE_BENEATH,
    RESOLVE_IN_ROOT,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    RESOLVE_NO_XDEV,
    openat2,
)

LARGEST = 64 << 20
"""The bytes of the largest file that is read, such as a boot loader or a list of files."""

_AS_CHROOT = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS
_NO_LINKS = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS
_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_WILD = re.compile(r"[*?[]")

_OF_THE_HOST = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}
_OF_THE_HOST |= {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""What the tree's content is not the reason of."""

Name = str | PurePath
"""A path of the tree, relative to its top; a leading slash is the top's."""


class Tree:
    """The tree whose top is the folder ``path``.

    Paths mean what they do after chroot(2) into it, for reading as for writing. But no link is
    written through, and a file that has other names, of which one may lie outside, gets a new one
    in its place. Only regular files and folders are ever opened.

    Whatever of the tree's content keeps something from being done is an ImageError that names
    the path. Nobody else may change the tree meanwhile. ``path`` itself is for programs that are
    given the whole tree.
    """

    def __init__(self, path: Path) -> None:
        """:raises HostError: when the kernel, or a container's filter, has no openat2(2)"""
        self.path = path
        self._top = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
        weakref.finalize(self, os.close, self._top)  # it holds the folder, and nothing to flush
        try:
            os.close(openat2(self._top, ".", os.O_PATH, _AS_CHROOT))
        except OSError as error:
            raise HostError(
                f"openat2(2), by which an image's files are reached, fails: {error.strerror}",
                hint="it needs Linux 5.6; in a container, a filter of system calls that allows it",
            ) from error

    def exists(self, path: Name) -> bool:
        """Whether the path, its links followed, leads to anything."""
        return self.stat(path) is not None

    def is_file(self, path: Name) -> bool:
        """Whether the path, its links followed, leads to a regular file."""
        status = self.stat(path)
        return status is not None and stat.S_ISREG(status.st_mode)

    def is_dir(self, path: Name) -> bool:
        """Whether the path, its links followed, leads to a folder."""
        status = self.stat(path)
        return status is not None and stat.S_ISDIR(status.st_mode)

    def lstat(self, path: Name) -> os.stat_result | None:
        """What lies at the path, be it a link; None: nothing."""
        return self.stat(path, os.O_NOFOLLOW)

    def stat(self, path: Name, flags: int = 0) -> os.stat_result | None:
        """What the path, its links followed, leads to; None: nothing."""
        try:
            with _opened(self._top, path, os.O_PATH | flags) as descriptor:
                return os.fstat(descriptor)
        except OSError as error:
            if error.errno in _OF_THE_HOST:
                raise
            return None

    def names(self, path: Name = "") -> list[str]:
        """The names in a folder, sorted; none where there is no folder."""
        if not self.is_dir(path):
            return []
        with _told(path, "read"):
            return [name for name, _ in _entries(self._top, path, _AS_CHROOT)]

    def glob(self, pattern: str) -> list[str]:
        """The paths that match shell wildcards, sorted; ``*`` matches no slash, but a first dot."""
        found = ["."]
        for part in PurePath(pattern.lstrip("/")).parts:
            if _WILD.search(part):
                below = [(folder, name) for folder in found for name in self.names(folder)]
                found = [f"{folder}/{name}" for folder, name in below if fnmatchcase(name, part)]
            else:
                found = [f"{folder}/{part}" for folder in found if self.lstat(f"{folder}/{part}")]
        return sorted(path.removeprefix("./") for path in found)

    def walk(self, path: Name = "") -> Iterator[tuple[str, os.stat_result]]:
        """All below a folder, by its path relative to that; no link is followed."""
        with _told(path, "read"), self.folder(path, os.O_NOFOLLOW) as top:
            folders = ["."]
            while folders:
                folder = folders.pop()
                for name, status in _entries(top, folder, _NO_LINKS):
                    below = name if folder == "." else f"{folder}/{name}"
                    if stat.S_ISDIR(status.st_mode):
                        folders.append(below)
                    yield below, status

    @contextmanager
    def folder(self, path: Name, flags: int = 0) -> Iterator[int]:
        """Hold a descriptor of a folder open."""
        with _told(path, "opened"), _opened(self._top, path, _FOLDER | flags) as descriptor:
            yield descriptor

    @contextmanager
    def open(self, path: Name) -> Iterator[IO[bytes]]:
        """Hold a regular file open for reading."""
        with _told(path, "read"):
            # A device acts when it is opened, so what it is must be known before.
            if self.exists(path) and not self.is_file(path):
                raise OSError(errno.EINVAL, "It is not a regular file")
            flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
            descriptor = openat2(self._top, _text(path), flags, _AS_CHROOT)
        with os.fdopen(descriptor, "rb") as stream:
            yield stream

    def read_bytes(self, path: Name, limit: int = LARGEST) -> bytes:
        """The content of a file, which has no more bytes than ``limit``."""
        with self.open(path) as stream, _told(path, "read"):
            content = stream.read(limit + 1)
            if len(content) > limit:
                raise OSError(errno.EFBIG, f"It has more than {limit >> 20} MiB")
            return content

    def read_text(self, path: Name, limit: int = LARGEST) -> str:
        """The same as text, in which bytes that are not UTF-8 stay what they are (PEP 383)."""
        return self.read_bytes(path, limit).decode(errors="surrogateescape")

    def write(
        self,
        path: Name,
        data: str | bytes | Iterator[bytes],
        mode: int | None = None,
        *,
        times: tuple[int, int] | None = None,
    ) -> None:
        """Put a file there, of access and modification ``times`` in ns, and make its folders.

        ``data`` may come in pieces. ``mode`` None is that of the file it replaces, or 0644.
        """
        data = data.encode(errors="surrogateescape") if isinstance(data, str) else data
        self.mkdir(PurePath(_text(path)).parent)
        with _told(path, "written"), _place(self._top, path) as (folder, name):
            before = self.lstat(path)
            with os.fdopen(_emptied(folder, name, before), "wb") as stream:
                stream.writelines([data] if isinstance(data, bytes) else data)
                stream.flush()
                if before and stat.S_ISREG(before.st_mode):
                    os.fchown(stream.fileno(), before.st_uid, before.st_gid)
                    mode = stat.S_IMODE(before.st_mode) if mode is None else mode
                os.fchmod(stream.fileno(), 0o644 if mode is None else mode)
                if times:
                    os.utime(stream.fileno(), ns=times)

    def symlink(self, path: Name, target: Name) -> None:
        """Put a symbolic link of the text ``target`` there, and make its folders."""
        self.mkdir(PurePath(_text(path)).parent)
        self.unlink(path)
        with _told(path, "made"), _place(self._top, path) as (folder, name):
            os.symlink(target, name, dir_fd=folder)

    def mkdir(self, path: Name, mode: int = 0o755) -> None:
        """Make a folder, and those above it with mode 0755; what is there keeps its mode."""
        asked = PurePath(_text(path))
        missing = takewhile(lambda it: not self.is_dir(it), (asked, *asked.parents))
        for made in reversed(list(missing)):
            with _told(made, "made"), _place(self._top, made) as (folder, name):
                os.mkdir(name, 0o700, dir_fd=folder)
            self.chmod(made, mode if made == asked else 0o755)

    def chmod(self, path: Name, mode: int) -> None:
        """Give a folder this mode; a file gets its own when it is written."""
        with _told(path, "changed"), self.folder(path) as descriptor:
            os.fchmod(descriptor, mode)

    def unlink(self, path: Name) -> None:
        """Remove what is there, if anything is, unless it is a folder."""
        if self.lstat(path):
            with _told(path, "removed"), _place(self._top, path) as (folder, name):
                os.unlink(name, dir_fd=folder)

    def remove(self, path: Name) -> None:
        """Remove what is there, if anything is, with all below it."""
        status = self.lstat(path)
        if status is None or not stat.S_ISDIR(status.st_mode):
            self.unlink(path)
            return
        with _told(path, "removed"), _place(self._top, path) as (folder, name):
            with self.folder(path, os.O_NOFOLLOW) as top:
                for below, what in reversed(list(self.walk(path))):
                    with _place(top, below, _NO_LINKS) as (parent, last):
                        remove = os.rmdir if stat.S_ISDIR(what.st_mode) else os.unlink
                        remove(last, dir_fd=parent)
            os.rmdir(name, dir_fd=folder)

    def move_out(self, path: Name, target: Path) -> None:
        """Let a folder of the tree become ``target``, which lies outside it."""
        with _told(path, "moved"), _place(self._top, path) as (folder, name):
            status = self.lstat(path)
            if status and not stat.S_ISDIR(status.st_mode):
                raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            os.rename(name, target, src_dir_fd=folder)


def shown(path: Name) -> str:
    """A path of a tree as it is told to people; what a terminal would act on is escaped."""
    return "/" + "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in _text(path)
    )


def _text(path: Name) -> str:
    return os.fspath(path).strip("/")


@contextmanager
def _opened(top: int, path: Name, flags: int, resolve: int = _AS_CHROOT) -> Iterator[int]:
    descriptor = openat2(top, _text(path) or ".", flags, resolve)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _place(top: int, path: Name, resolve: int = _AS_CHROOT) -> Iterator[tuple[int, str]]:
    """Hold the folder open that a path lies in, and give the path's name there."""
    parent, name = os.path.split(_text(path))
    if name in ("", ".", "..") or "\0" in name:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    with _opened(top, parent, os.O_PATH | os.O_DIRECTORY, resolve) as folder:
        yield folder, name


def _emptied(folder: int, name: str, before: os.stat_result | None) -> int:
    """A descriptor of the empty file to write, which is the one of that name if it has no other.

    So its folder keeps its time and its order. What is mounted there is not the tree's (EXDEV).
    """
    if before and stat.S_ISREG(before.st_mode) and before.st_nlink == 1:
        flags = os.O_WRONLY | os.O_NONBLOCK
        descriptor = openat2(folder, name, flags, _NO_LINKS | RESOLVE_NO_XDEV)
        os.ftruncate(descriptor, 0)
        return descriptor
    if before:
        os.unlink(name, dir_fd=folder)
    return os.open(name, _NEW, 0o600, dir_fd=folder)


def _entries(top: int, folder: Name, resolve: int) -> list[tuple[str, os.stat_result]]:
    with _opened(top, folder, _FOLDER, resolve) as descriptor, os.scandir(descriptor) as entries:
        found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
    return sorted(found, key=lambda entry: entry[0])


@contextmanager
def _told(path: Name, done: str) -> Iterator[None]:
    """Let an OSError that the tree is the reason of be an ImageError, which names the path."""
    try:
        yield
    except OSError as error:
        if error.errno in _OF_THE_HOST:
            raise
        raise ImageError(
            f"{shown(path)} of the image cannot be {done}: {error.strerror}",
            hint="a package, or what it ran, has changed what is there",
        ) from error
