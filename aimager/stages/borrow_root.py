"""make-rootfs-archive, for the host's own platform: the borrowed root."""

import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aimager import progress
from aimager.archive import tar_size
from aimager.digests import summed_meanwhile
from aimager.memory import tmpfs_size
from aimager.model.architecture import Architecture
from aimager.model.distro import Keyring
from aimager.model.lock import LockedPackage, read_lock
from aimager.model.workshop import Workshop, environment
from aimager.package_files import unpack_packages
from aimager.packages.keyring import verify_without_gpg
from aimager.packages.keyring_memory import MEMORY, Memory, recall
from aimager.packages.pacman import package_files
from aimager.packages.user_key_check import Elsewhere
from aimager.products.stage import all_inputs
from aimager.sandbox.borrowed_root import LOCK, lend
from aimager.sandbox.kept_tmpfs import mount_new
from aimager.sandbox.namespace import call
from aimager.sandbox.program_archive import pack_programs
from aimager.sandbox.sums import asked_sums

_NOT_RUN = (
    *("usr/include/", "usr/lib/udev/hwdb.d/", "usr/share/doc/", "usr/share/gtk-doc/"),
    *("usr/share/i18n/", "usr/share/info/", "usr/share/locale/", "usr/share/man/"),
    *("usr/lib/systemd/system/", "usr/lib/systemd/user/", "usr/lib/udev/", "usr/share/dbus-1/"),
    *("usr/share/ca-certificates/", "usr/share/makepkg/", "usr/share/zoneinfo/"),
)
"""Folders that no program reads in the borrowed root: all speak English and know no time but UTC,
nothing is fetched and no service runs, and what the kit's read of an image lies in the image."""


@dataclass(frozen=True)
class BorrowRoot:
    """Unpack the packages of ``lock``, each verified before, and run none of their scriptlets.

    The keys are those of ``keyrings``, whose packages ``keyring_lock`` has. No program takes part.
    Of QEMU's user-mode emulators, which are large, only that of ``emulates`` is kept. That keyrings
    are ``older`` than such that were used before must be asked for. ``elsewhere`` is as
    `KeyringInit`'s.
    """

    keyrings: tuple[Keyring, ...]
    keyring_lock: Path
    lock: Path
    target: Path
    emulates: Architecture | None = None
    elsewhere: tuple[tuple[tuple[Keyring, ...], Path], ...] = ()
    older: bool = environment()
    workshop: Workshop = environment()

    def verified(self) -> tuple[LockedPackage, ...]:
        """The packages whose signatures are checked by it."""
        return read_lock(self.lock).packages

    def run(self) -> dict[str, str]:
        """Publish the borrowed root, and return its SHA-256, by its name.

        :raises TrustError: when the keyrings' keys are not the pinned ones, or a package is not
            signed by a key that they vouch for
        """
        known: dict[str, str] = {}
        call(
            _borrow,
            _Borrowing(self, recall(self.workshop.cache / MEMORY)),
            work=self.workshop.work,
            reads=[*all_inputs(self), *self._packages()],
            products=[self.target],
            tmpfs=self.memory(),
            known=known,
        )
        return known

    def _packages(self) -> tuple[Path, ...]:
        locks = (self.keyring_lock, self.lock, *(lock for _, lock in self.elsewhere))
        packages = [package for lock in locks for package in read_lock(lock).packages]
        return package_files(packages, self.workshop.store)

    def memory(self) -> int | None:
        """The bytes of memory that may hold the tree; None: it belongs on disk."""
        shop, needed = self.workshop, read_lock(self.lock).installed_size * 3 // 2
        return tmpfs_size(needed, wish=shop.memory, jobs=shop.jobs)


@dataclass(frozen=True)
class _Borrowing:
    stage: BorrowRoot
    keyrings: Memory


def _borrow(borrowing: _Borrowing) -> None:
    stage = borrowing.stage
    lock, store = read_lock(stage.lock), stage.workshop.store
    progress.step("verifying packages")
    elsewhere = [Elsewhere(keyrings, read_lock(path)) for keyrings, path in stage.elsewhere]
    keyring_lock, known = (
        read_lock(stage.keyring_lock),
        (borrowing.keyrings, stage.older, elsewhere),
    )
    verify_without_gpg(stage.keyrings, keyring_lock, lock.packages, store, *known)
    progress.step("unpacking packages")
    root = stage.workshop.work / "root"
    memory = stage.memory()
    if memory is not None:
        mount_new(root, size=memory)  # the next stage's, too
    unpack_packages([package.path(store) for package in lock.packages], root, without=_NOT_RUN)
    _drop_emulators(root / "usr/bin", stage.emulates)
    shutil.copyfile(stage.lock, root / LOCK)
    target = stage.target
    with (
        progress.growing("packing", target, partial(tar_size, root)),
        summed_meanwhile(asked_sums(), target, target),
    ):
        pack_programs(root, target, epoch=lock.epoch)
    if memory is not None:
        lend(root, target)


def _drop_emulators(folder: Path, kept: Architecture | None) -> None:
    for program in folder.glob("qemu-*-static"):
        if not kept or program.name != f"qemu-{kept.qemu}-static":
            program.unlink()
