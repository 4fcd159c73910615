"""A root file system made ready for chroot(2): what programs expect to be mounted there.

The set is that of arch-chroot(8). Nothing of it is left in the tree afterwards.
"""

import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from aimager.errors import ImageError
from aimager.sandbox.mounts import Bind, Directory, Link, Operation, Proc, Tmpfs, carry_out, unmount
from aimager.sandbox.tree import Tree

MOUNT_POINTS = {"dev": 0o755, "proc": 0o555, "run": 0o755, "sys": 0o555, "tmp": 0o1777}
"""The directories that are mounted over, with their modes in Arch Linux's package filesystem."""

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")

_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}


def root_mounts(root: Path) -> tuple[Operation, ...]:
    """What is mounted on the tree ``root``, the mount points being there."""
    dev = root / "dev"
    return (
        Proc(root / "proc"),
        Bind(Path("/sys"), root / "sys", read_only=True, optional=True),
        Tmpfs(dev),
        *(Bind(Path("/dev") / name, dev / name) for name in _DEVICES),
        *(Link(dev / name, text) for name, text in _LINKS.items()),
        Directory(dev / "pts"),
        Directory(dev / "shm", 0o1777),
        Tmpfs(root / "run"),
        Tmpfs(root / "tmp", mode=0o1777),
    )


def make_mount_points(root: Path) -> tuple[Path, ...]:
    """Make the mount points that ``root`` lacks, and return them.

    Called before the first package is installed, they stay, with the modes that pacman, which
    finds them covered by then, could not give them.

    :raises ImageError: when one is a symbolic link, which would lead out of the tree, or a file
    """
    made = []
    tree = Tree(root)
    for name, mode in MOUNT_POINTS.items():
        status = tree.lstat(name)
        if status is None:
            tree.mkdir(name, mode)
            made.append(root / name)
        elif not stat.S_ISDIR(status.st_mode):
            kind = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "a file"
            raise ImageError(f"/{name} of the image is {kind}, and not a directory")
    return tuple(made)


@contextmanager
def chroot_mounts(root: Path) -> Iterator[Path]:
    """Hold what programs need mounted on ``root``; a mount point made for it is removed after."""
    with ExitStack() as undo:
        for point in make_mount_points(root):
            undo.callback(_remove_directory, point)
        for operation in root_mounts(root):
            carry_out([operation])
            if operation.target.parent == root:
                undo.callback(_unmount, operation.target)
        yield root


def _unmount(point: Path) -> None:
    with suppress(OSError):  # EINVAL: an optional one that was refused
        unmount(point)


def _remove_directory(point: Path) -> None:
    with suppress(OSError):  # ENOTEMPTY: a package has put something there
        point.rmdir()
