"""Trees in memory that outlive the namespace in which they were made, for a builder's later calls.

A tree is a tmpfs. The worker that has it mounted makes a copy of the mount that is attached nowhere
(open_tree(2)) and sends its descriptor to the builder, which lends it to its next call: that
attaches it (move_mount(2)), and sends a copy back in turn, unless it is going to change the tree:
then it tells that it has taken it. So one call at a time has a tree, and with the builder's
descriptor it is gone, whatever ends the builder.

Where the kernel refuses that, as before Linux 5.2, no tree is kept.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from aimager.sandbox import mounts, syscalls

_MOST = 2
"""How many trees are kept: each takes memory until the builder's end."""

_NAME_LIMIT = 4096
_TAKEN = "taken "
"""What a message begins with that a tree is not to be lent again; it has a descriptor as others
have, for the socket would run messages together."""


class Shelf:
    """The builder's side: the trees it holds, by name."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._trees: dict[str, int] = {}

    def take(self) -> dict[str, int]:
        """All of them, as descriptors to pass on; none are left."""
        if os.getpid() != self._process:  # forked: they are the other process's to lend
            self._process = os.getpid()
            self._trees = {}
        taken, self._trees = self._trees, {}
        return taken

    def put_back(self, taken: Mapping[str, int], worker: socket.socket) -> None:
        """Hold what a call was lent and did not touch, and what its ``worker`` has sent."""
        trees = dict(taken)
        worker.setblocking(False)  # it may live yet, and recv_fds() knows no flags
        while message := _receive(worker):
            name, descriptor = message
            is_taken = name.startswith(_TAKEN)
            name = name.removeprefix(_TAKEN)
            if name in trees:
                os.close(trees.pop(name))
            if is_taken:
                os.close(descriptor)
            else:
                trees[name] = descriptor
        while len(trees) > _MOST:
            os.close(trees.pop(next(iter(trees))))  # the one that lay longest
        self._trees = trees


def _receive(worker: socket.socket) -> tuple[str, int] | None:
    """A tree that was sent, with its name; None if no more is waiting."""
    try:
        name, descriptors, _, _ = socket.recv_fds(worker, _NAME_LIMIT, 1)
    except (BlockingIOError, ConnectionResetError):
        return None
    return (name.decode(), descriptors[0]) if descriptors else None


class Loan:
    """The worker's side: the trees that it was lent, and the socket to the builder."""

    def __init__(self, trees: Mapping[str, int], builder: socket.socket) -> None:
        self._trees = dict(trees)
        self._builder = builder

    def attach(self, name: str, place: Path) -> bool:
        """Mount the tree at ``place``, made if missing, and give it back; whether there is one."""
        is_there = self._attach(name, place)
        if is_there:
            self.offer(name, place)
        return is_there

    def _attach(self, name: str, place: Path) -> bool:
        descriptor = self._trees.pop(name, None)
        if descriptor is None:
            return False
        place.mkdir(parents=True, exist_ok=True)
        try:
            syscalls.move_mount(descriptor, place)
        except OSError:  # its last holder was killed while it held the tree
            return False
        finally:
            os.close(descriptor)
        return True

    def take(self, name: str, place: Path) -> bool:
        """Mount the tree at ``place`` for good, made if missing; whether there is one.

        Before that the builder is told, for what was changed must never be lent again.
        """
        descriptor = self._trees.get(name)
        if descriptor is None:
            return False
        try:
            socket.send_fds(self._builder, [f"{_TAKEN}{name}".encode()], [descriptor])
        except OSError:
            return False
        return self._attach(name, place)

    def offer(self, name: str, place: Path) -> None:
        """Have the builder keep the tree that is mounted at ``place``."""
        with suppress(OSError):  # then it is made again
            copy = syscalls.open_tree(place)
            try:
                socket.send_fds(self._builder, [name.encode()], [copy])
            finally:
                os.close(copy)


_loan: Loan | None = None


def accept(loan: Loan) -> None:
    """Let this process, a worker, use what it was lent."""
    global _loan
    _loan = loan


def mount_tree(name: str, place: Path, *, size: int) -> bool:
    """Mount the tree ``name`` at ``place``, or an empty one of ``size`` bytes.

    Returns whether it was there; give a new one to `keep_tree` once it is filled.
    """
    if _loan and _loan.attach(name, place):
        return True
    mount_new(place, size=size)
    return False


def mount_new(place: Path, *, size: int) -> None:
    """Mount an empty tree of ``size`` bytes at ``place``, made if missing."""
    place.mkdir(parents=True, exist_ok=True)
    mounts.carry_out([mounts.Tmpfs(place, size=size)])


def take_tree(name: str, place: Path) -> bool:
    """Mount the tree ``name`` at ``place`` to be changed, if there is one; it is kept no more."""
    return bool(_loan and _loan.take(name, place))


def archive_name(archive: Path) -> str:
    """What the tree of an archive is kept by: a file of another content is another file.

    A file that is being made for the builder has it by then, be it by another path.
    """
    status = archive.stat()
    return f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns}"


def keep_tree(name: str, place: Path) -> None:
    """Keep the tree at ``place`` for the builder's later calls, if possible."""
    if _loan:
        _loan.offer(name, place)
