"""make-rootfs-archive: a platform's base system, installed from verified packages."""

from dataclasses import dataclass
from pathlib import Path

from aimager.architecture import Architecture
from aimager.system import Installation, install_system
from aimager.workshop import Workshop, environment


@dataclass(frozen=True)
class MakeRootfsArchive:
    """Install the packages of ``lock`` to an empty root."""

    architecture: Architecture
    lock: Path
    fetched: Path
    keyring: Path
    target: Path
    pacman_static: Path | None = environment()
    borrowed: Path | None = environment()
    workshop: Workshop = environment()

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
                pacman_static=self.pacman_static,
                borrowed=self.borrowed,
            )
        )
