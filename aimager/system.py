"""Installing packages to a root, with the hooks of its own distribution, for both who do it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aimager import initramfs
from aimager.architecture import Architecture, host_architecture
from aimager.archive import pack_tree, unpack_tree
from aimager.borrow import open_toolbox
from aimager.errors import CommandError, HostError, ImageError
from aimager.keyring import open_home, verify
from aimager.lock import Lock, LockedPackage, newest, read_lock
from aimager.memory import tmpfs_size
from aimager.namespace import call
from aimager.pacman import (
    Pacman,
    choose_pacman,
    forget_times,
    install,
    installed,
    pacman_conf,
    prepare_root,
    write_conf,
)
from aimager.rootfs import chroot_mounts
from aimager.toolbox import Toolbox
from aimager.workshop import Workshop

_MARGIN = 512 << 20
_FAILED_HOOK = "error: command failed to execute correctly"
"""What pacman prints, and goes on, when a hook or a scriptlet fails."""


def foreign_to_host(architecture: Architecture) -> Architecture | None:
    """The architecture, if its programs need emulation on this machine."""
    return None if architecture is host_architecture() else architecture


def work_size(lock: Path, borrowed: Path | None, *, copies: int = 1) -> int | None:
    """The size in bytes of a tmpfs for so many copies of a tree; None: it belongs on disk."""
    tree = read_lock(lock).installed_size
    tools = borrowed.stat().st_size if borrowed else 0
    return tmpfs_size(tree * copies + tools + _MARGIN)


@dataclass(frozen=True)
class Installation:
    """What becomes ``target``: the root in ``base``, or an empty one, with ``lock``'s packages.

    ``base_lock`` names those that ``base`` already has.
    """

    architecture: Architecture
    lock: Path
    keyring: Path
    target: Path
    workshop: Workshop
    base: Path | None = None
    base_lock: Path | None = None
    pacman_static: Path | None = None
    borrowed: Path | None = None


def install_system(request: Installation) -> None:
    """Publish what ``request`` describes.

    :raises TrustError: when a package is not signed by a trusted key; none has been run then
    :raises ImageError: when what is installed is not what is locked
    """
    call(
        _install_system,
        request,
        work=request.workshop.work,
        writable=[request.workshop.cache],
        products=[request.target],
        foreign=foreign_to_host(request.architecture),
        tmpfs=work_size(request.lock, request.borrowed),
    )


def _install_system(request: Installation) -> None:
    workshop, base = request.workshop, request.base
    wanted = read_lock(request.lock)
    known = read_lock(request.base_lock) if request.base_lock else Lock("", (), ())
    if {package.name for package in known.packages} - {p.name for p in wanted.packages}:
        # Another provider was chosen: what the root's own depends on must not stay behind.
        base, known = None, Lock("", (), ())
    work, epoch = workshop.work, newest([wanted, known])
    root = work / "root"
    with workshop.logging() as log:
        tools = open_toolbox(request.borrowed, work, [workshop.cache], log)
        open_home(tools, request.keyring, work / "gnupg")
        if base:
            unpack_tree(tools, base, root)
        prepare_root(root)
        pacman = choose_pacman(tools, request.pacman_static, work)
        if pacman is None:
            raise HostError("there is no pacman", hint="leave tools=host out")
        conf = write_conf(pacman_conf(request.architecture, work, root), work)
        with chroot_mounts(root), initramfs.universal(root, work / "hooks"):
            _install(tools, pacman, conf, wanted, wanted.without(known), workshop, epoch, log)
        _check(root, wanted)
        forget_times(root, epoch)
        pack_tree(tools, root, request.target, epoch=epoch)


def _install(
    tools: Toolbox,
    pacman: Pacman,
    conf: Path,
    wanted: Lock,
    packages: Sequence[LockedPackage],
    workshop: Workshop,
    epoch: int,
    log: IO[bytes],
) -> None:
    store = workshop.store
    try:
        explicit = [package.name for package in wanted.packages if package.name in wanted.requested]
        said = install(pacman, conf, packages, store, log, explicit=explicit, epoch=epoch)
    except CommandError:
        # pacman verifies all packages before it runs any; our own check has the better words.
        verify(tools, workshop.work / "gnupg", packages, store)
        raise
    for match in re.finditer(rf"^(.*\n)?.*{_FAILED_HOOK}", said, re.MULTILINE):
        print(f"   a hook or scriptlet failed: {(match[1] or '').strip()} (see {workshop.log})")
    print(f"   installed {len(packages)} packages")


def _check(root: Path, lock: Lock) -> None:
    there = installed(root)
    locked = {f"{package.name}-{package.version}" for package in lock.packages}
    if there != locked:
        raise ImageError(
            f"installed and locked packages differ: {' '.join(sorted(there ^ locked))}"
        )
