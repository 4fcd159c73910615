"""make-rootfs-archive: a platform's base system, installed from verified packages."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from aimager.model.architecture import Architecture
from aimager.model.lock import LockedPackage, read_lock
from aimager.model.workshop import Workshop, environment
from aimager.system.install import Installation, install_system


@dataclass(frozen=True)
class MakeRootfsArchive:
    """Install the packages of ``lock`` to an empty root; ``epoch`` is as `Installation`'s."""

    architecture: Architecture
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
        return read_lock(self.lock).packages

    def run(self) -> None:
        """Publish the root's archive.

        :raises TrustError: when a package is not signed by a trusted key
        """
        install_system(
            Installation(
                architecture=self.architecture,
                lock=self.lock,
                keyring=self.keyring,
                target=self.target,
                workshop=self.workshop,
                epoch=self.epoch,
                pacman_static=self.pacman_static,
                borrowed=self.borrowed,
            )
        )
