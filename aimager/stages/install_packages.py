"""install-packages: everything that a build installs, on its platform's base system."""

from dataclasses import dataclass
from pathlib import Path

from aimager.architecture import Architecture
from aimager.files import publish
from aimager.lock import read_lock
from aimager.namespace import call
from aimager.system import foreign_to_host, install_system, work_size
from aimager.workshop import Workshop, environment


@dataclass(frozen=True)
class InstallPackages:
    """Install what ``lock`` names and ``rootfs_lock`` does not, to the root in ``rootfs``."""

    architecture: Architecture
    rootfs: Path
    rootfs_lock: Path
    lock: Path
    fetched: Path
    keyring: Path
    target: Path
    pacman_static: Path | None = environment()
    borrowed: Path | None = environment()
    workshop: Workshop = environment()

    def run(self) -> None:
        """Publish the system's archive; the root's own where nothing is to be added.

        :raises TrustError: when a package is not signed by a trusted key
        """
        if not read_lock(self.lock).without(read_lock(self.rootfs_lock)):
            with publish(self.target) as temporary:
                temporary.unlink()
                temporary.hardlink_to(self.rootfs)
            return
        call(
            _install,
            self,
            work=self.workshop.work,
            writable=[self.workshop.cache],
            products=[self.target],
            foreign=foreign_to_host(self.architecture),
            tmpfs=work_size([self.lock], self.borrowed),
        )


def _install(stage: InstallPackages) -> None:
    install_system(
        architecture=stage.architecture,
        lock=stage.lock,
        base_lock=stage.rootfs_lock,
        base=stage.rootfs,
        keyring=stage.keyring,
        borrowed=stage.borrowed,
        pacman_static=stage.pacman_static,
        workshop=stage.workshop,
        target=stage.target,
    )
