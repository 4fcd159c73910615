"""install-packages, on a root archive of the user's in place of the platform's base system."""

from dataclasses import dataclass
from pathlib import Path

from aimager.model.architecture import Architecture
from aimager.model.lock import LockedPackage, read_lock
from aimager.model.workshop import Workshop, environment
from aimager.system.install import Installation, install_system
from aimager.system.reused_root import read_reused
from aimager.units import count


@dataclass(frozen=True)
class ReuseRoot:
    """Install what ``lock`` names, as far as ``archive`` has it not, to the root in that.

    ``reused`` tells what it holds. ``epoch`` is as `Installation`'s. The product is for this
    machine alone: what the user's archive holds is nobody else's.
    """

    architecture: Architecture
    archive: Path
    reused: Path
    lock: Path
    keys: Path
    borrowed: Path | None
    target: Path
    epoch: int | None = None
    keyring: Path = environment()
    pacman_static: Path | None = environment()
    workshop: Workshop = environment()

    def verified(self) -> tuple[LockedPackage, ...]:
        """The packages whose signatures are checked by it."""
        return read_reused(self.reused).missing(read_lock(self.lock))

    def run(self) -> None:
        """Publish the system's archive.

        :raises TrustError: when a package is not signed by a trusted key
        :raises ConfigError: when the archive holds what the packages do not go with
        """
        held = count(len(read_reused(self.reused).packages), "package")
        print(f"   NOT VERIFIED: {self.archive.name} with {held}, taken as it is")
        install_system(
            Installation(
                architecture=self.architecture,
                lock=self.lock,
                keyring=self.keyring,
                target=self.target,
                workshop=self.workshop,
                epoch=self.epoch,
                base=self.archive,
                reused=self.reused,
                pacman_static=self.pacman_static,
                borrowed=self.borrowed,
            )
        )
