"""install-packages: everything that a build installs, on its platform's base system."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from aimager.files import publish
from aimager.model.architecture import Architecture
from aimager.model.lock import LockedPackage, read_lock
from aimager.model.workshop import Workshop, environment
from aimager.system.install import Installation, install_system


@dataclass(frozen=True)
class InstallPackages:
    """Install what ``lock`` names and ``rootfs_lock`` does not, to the root in ``rootfs``.

    ``epoch`` is as `Installation`'s.
    """

    architecture: Architecture
    rootfs: Path
    rootfs_lock: Path
    lock: Path
    keys: Path
    borrowed: Path | None
    target: Path
    epoch: int | None = None
    keyring: Path = environment()
    pacman_static: Path | None = environment()
    workshop: Workshop = environment()

    shared: ClassVar[bool] = True

    def verified(self) -> tuple[LockedPackage, ...]:
        """The packages whose signatures are checked by it."""
        return read_lock(self.lock).without(read_lock(self.rootfs_lock))

    def run(self) -> None:
        """Publish the system's archive; the root's own where nothing is to be added.

        :raises TrustError: when a package is not signed by a trusted key
        """
        if not read_lock(self.lock).without(read_lock(self.rootfs_lock)):
            with publish(self.target) as temporary:
                temporary.unlink()
                temporary.hardlink_to(self.rootfs)
            return
        install_system(
            Installation(
                architecture=self.architecture,
                lock=self.lock,
                keyring=self.keyring,
                target=self.target,
                workshop=self.workshop,
                epoch=self.epoch,
                base=self.rootfs,
                base_lock=self.rootfs_lock,
                pacman_static=self.pacman_static,
                borrowed=self.borrowed,
            )
        )
