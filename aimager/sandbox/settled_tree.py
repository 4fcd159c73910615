"""A tree in memory made what it would be if its archive were unpacked, so that it need not be.

What an archive does not keep is what tells the two apart: times after the build's own, sockets,
holes of files, and the order in which folders list what they hold, which is that in which it was
made: programs write it into caches, and mkfs.btrfs into images.
"""

import errno
import os
import stat
from pathlib import Path

from aimager.trees import walk_tree

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ASIDE = ".{}.aside"
_ZEROS = bytes(1 << 20)
_CAPABILITIES = "security.capability"


def settle(top: Path, epoch: int | None = None) -> None:
    """Settle all in the folder ``top``, and itself; times after ``epoch``, in seconds, become it.

    A folder of a tmpfs lists what was renamed last at one end (simple_rename() and its offsets in
    the kernel's fs/libfs.c), so whatever is renamed in order is in one order. The first folder
    shows which, and later ones that have it already are left alone. None: no time changes.

    :raises OSError: when something cannot be changed
    """
    latest, order = None if epoch is None else epoch * 10**9, _Order()
    for entry in walk_tree(top):
        if entry.is_folder:
            _settle_folder(os.open(entry.name, _FOLDER, dir_fd=entry.folder), latest, order)
    _settle_folder(os.open(top, _FOLDER), latest, order)


def settle_names(top: Path) -> None:
    """Settle what lies in the folder ``top`` itself alone; no time changes.

    :raises OSError: when something cannot be changed
    """
    _settle_folder(os.open(top, _FOLDER), None, _Order())


class _Order:
    """The order in which folders list what was renamed in order, once one has shown it."""

    def __init__(self) -> None:
        self._step: int | None = None

    def learn(self, folder: int) -> None:
        """See how a folder lists what was renamed, unless that is known."""
        if self._step is not None:
            return
        os.lseek(folder, 0, os.SEEK_SET)  # some kernels list what was there at the last one
        listed = os.listdir(folder)
        names = _sorted(listed)
        if len(names) > 1:
            self._step = next((step for step in (1, -1) if listed == names[::step]), None)

    def is_of(self, listed: list[str], names: list[str]) -> bool:
        """Whether a folder lists its sorted ``names`` as if they had been renamed."""
        return self._step is not None and listed == names[:: self._step]


def _sorted(names: list[str]) -> list[str]:
    return sorted(names, key=os.fsencode)


def _settle_folder(folder: int, latest: int | None, order: _Order) -> None:
    """Settle what lies in a folder, then its own time; the descriptor is closed."""
    try:
        before = os.fstat(folder)
        listed = os.listdir(folder)
        names = _sorted(listed)
        aside = _unused(names)
        renames = len(names) > 1 and not order.is_of(listed, names)
        for name in names:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISSOCK(status.st_mode):
                os.unlink(name, dir_fd=folder)
                continue
            if stat.S_ISREG(status.st_mode) and status.st_size:
                _fill_holes(folder, name, status)
            if not stat.S_ISDIR(status.st_mode):
                _clamp(name, folder, status, latest)
            if renames:
                os.rename(name, aside, src_dir_fd=folder, dst_dir_fd=folder)
                os.rename(aside, name, src_dir_fd=folder, dst_dir_fd=folder)
        if renames:
            order.learn(folder)
        modified = before.st_mtime_ns if latest is None else min(before.st_mtime_ns, latest)
        os.utime(folder, ns=(before.st_atime_ns, modified))
    finally:
        os.close(folder)


def _unused(names: list[str]) -> str:
    """A name that is not among ``names``."""
    number, taken = 0, set(names)
    while (name := _ASIDE.format(number)) in taken:
        number += 1
    return name


def _clamp(name: str, folder: int, status: os.stat_result, latest: int | None) -> None:
    if latest is not None and status.st_mtime_ns > latest:
        times = (status.st_atime_ns, latest)
        os.utime(name, ns=times, dir_fd=folder, follow_symlinks=False)


def _fill_holes(folder: int, name: str, status: os.stat_result) -> None:
    """Have the file take memory for all of its length, as one that tar(1) writes does.

    Writing takes set-user-ID bits and capabilities away (file_remove_privs() in the kernel's
    fs/inode.c), which are given back.
    """
    descriptor = os.open(name, _FILE, dir_fd=folder)
    try:
        start = os.lseek(descriptor, 0, os.SEEK_HOLE)
        if start >= status.st_size:
            return
        capabilities = _capabilities(descriptor)
        while start < status.st_size:
            end = _next_data(descriptor, start, status.st_size)
            while start < end:
                start += os.pwrite(descriptor, _ZEROS[: end - start], start)
            start = os.lseek(descriptor, start, os.SEEK_HOLE) if start < status.st_size else start
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
        if capabilities is not None:
            os.setxattr(descriptor, _CAPABILITIES, capabilities)
        os.utime(descriptor, ns=(status.st_atime_ns, status.st_mtime_ns))
    finally:
        os.close(descriptor)


def _capabilities(descriptor: int) -> bytes | None:
    try:
        return os.getxattr(descriptor, _CAPABILITIES)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.EOPNOTSUPP):
            return None
        raise


def _next_data(descriptor: int, start: int, size: int) -> int:
    """Where data begins after ``start``, or the end of the file."""
    try:
        return os.lseek(descriptor, start, os.SEEK_DATA)
    except OSError:  # ENXIO: there is none
        return size
