"""make-rootfs-archive: a platform's base system, installed from verified packages."""

from dataclasses import dataclass
from pathlib import Path

from aimager.architecture import Architecture
from aimager.namespace import call
from aimager.system import foreign_to_host, install_system, work_size
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
        call(
            _make_rootfs,
            self,
            work=self.workshop.work,
            writable=[self.workshop.cache],
            products=[self.target],
            foreign=foreign_to_host(self.architecture),
            tmpfs=work_size([self.lock], self.borrowed),
        )


def _make_rootfs(stage: MakeRootfsArchive) -> None:
    install_system(
        architecture=stage.architecture,
        lock=stage.lock,
        base_lock=None,
        base=None,
        keyring=stage.keyring,
        borrowed=stage.borrowed,
        pacman_static=stage.pacman_static,
        workshop=stage.workshop,
        target=stage.target,
    )
