"""The jails of an image's root: what its programs expect to be mounted there (arch-chroot(8)).

Nothing of it is left in the tree afterwards.
"""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from aimager.errors import ImageError
from aimager.memory import available
from aimager.sandbox.jail import Jail
from aimager.sandbox.mounts import (
    RUN,
    Bind,
    Masked,
    Operation,
    Proc,
    ReadOnly,
    Tmpfs,
    device_mounts,
)
from aimager.sandbox.privileges import Limits
from aimager.sandbox.tree import Tree
from aimager.sandbox.worker_root import program_mounts
from aimager.trees import remove_folder

MOUNT_POINTS = {"dev": 0o755, "proc": 0o555, "run": 0o755, "sys": 0o555, "tmp": 0o1777}
"""The directories that are mounted over, with their modes in Arch Linux's package filesystem."""

IMAGE = RUN / "image"
"""Where programs of the tools' see the image."""

PACMAN = RUN / "pacman"
"""Where a running pacman has its configuration and the folders that it names."""

PACKAGES = RUN / "packages"
"""Where it has the packages that it installs."""

RUNTIME = ".run"
"""What the name of a tree's /run ends in, beside the tree."""

_TEMPORARY_SHARE = 4
"""What part of the free memory the files in a jail's /tmp may take."""

_SMALL = 16 << 20
"""Bytes for folders in which there is little but mount points."""

_MASKED = (
    *("acpi", "asound", "dynamic_debug", "kcore", "keys", "latency_stats", "sched_debug", "scsi"),
    *("timer_list", "timer_stats"),
)
_MASKED_OF_SYS = ("firmware", "devices/virtual/powercap")
_READ_ONLY = ("bus", "fs", "irq", "sys", "sysrq-trigger")
"""Of /proc and /sys: what tells of the host, and what changes it.

Where the machine's own root builds, a jail's root has the id of the machine's, which is all that
some files there ask for.
"""


def make_mount_points(tree: Tree) -> tuple[str, ...]:
    """Make the mount points that ``tree`` lacks, and return them.

    Called before the first package is installed, they stay, with the modes that pacman, which
    finds them covered by then, could not give them.

    :raises ImageError: when one is a symbolic link, which would lead out of the tree, or a file
    """
    made = []
    for name, mode in MOUNT_POINTS.items():
        status = tree.lstat(name)
        if status is None:
            tree.mkdir(name, mode)
            made.append(name)
        elif not stat.S_ISDIR(status.st_mode):
            kind = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "a file"
            raise ImageError(
                f"/{name} of the image is {kind}, and not a directory",
                hint="a package has put it there: leave that package out",
            )
    return tuple(made)


@dataclass(frozen=True)
class Chroot:
    """An image's tree in which, or on which, programs are run; ``runtime`` is its /run.

    ``devices`` are further mounts in its /dev, with targets below `IMAGE`.
    """

    tree: Tree
    runtime: Tree
    limits: Limits = field(default_factory=Limits)
    devices: tuple[Bind, ...] = ()

    def jail(self, *more: Operation) -> Jail:
        """Where programs of the image see nothing but the image, and ``more``."""
        here = Path("/")
        devices = (replace(d, target=here / d.target.relative_to(IMAGE)) for d in self.devices)
        return Jail((Bind(self.tree.path, here), *self._mounts(here), *devices, *more), self.limits)

    def jail_of_tools(self, tools: Path | None, *more: Operation) -> Jail:
        """Where programs of ``tools``, or of the host, see the image at `IMAGE`.

        What runs there after chroot(2) to `IMAGE`, as hooks do, finds the image's devices there.
        ``tools`` needs mount points.
        """
        here = Path("/")
        top: tuple[Operation, ...] = (Tmpfs(here, size=_SMALL), *program_mounts())
        if tools is not None:
            top = (Bind(tools, here, read_only=True),)
        return Jail(
            (
                *top,
                *device_mounts(here / "dev"),
                *_processes(here / "proc"),
                Tmpfs(here / "tmp", mode=0o1777, size=_room()),
                Tmpfs(RUN, size=_SMALL),
                Bind(self.tree.path, IMAGE),
                *self._mounts(IMAGE),
                *self.devices,
                *more,
            ),
            self.limits,
        )

    def _mounts(self, at: Path) -> tuple[Operation, ...]:
        return (
            *_processes(at / "proc"),
            Bind(Path("/sys"), at / "sys", read_only=True, optional=True),
            *(Masked(at / "sys" / name) for name in _MASKED_OF_SYS),
            *device_mounts(at / "dev"),
            Bind(self.runtime.path, at / "run"),
            Tmpfs(at / "tmp", mode=0o1777, size=_room()),
        )


def _processes(proc: Path) -> tuple[Operation, ...]:
    return (
        Proc(proc, own_only=True),
        *(Masked(proc / name) for name in _MASKED),
        *(ReadOnly(proc / name) for name in _READ_ONLY),
    )


def _room() -> int:
    return available() // _TEMPORARY_SHARE


@contextmanager
def chroot(tree: Tree, limits: Limits = Limits()) -> Iterator[Chroot]:  # noqa: B008 - it is frozen
    """Have ``tree`` ready for programs; a mount point made for it is removed after."""
    run = tree.path.with_name(f"{tree.path.name}{RUNTIME}")
    made = make_mount_points(tree)
    run.mkdir(mode=0o755)
    try:
        yield Chroot(tree, Tree(run), limits)
    finally:
        remove_folder(run)
        for point in made:
            if not tree.names(point):  # else a package has put something there
                tree.remove(point)
