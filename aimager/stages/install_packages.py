"""install-packages: everything that a build installs, on its platform's base or board's system."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from aimager.files import publish
from aimager.model.lock import LockedPackage, read_lock
from aimager.stages.installing import Installing


@dataclass(frozen=True, kw_only=True)
class InstallPackages(Installing):
    """Install what ``lock`` names and ``rootfs_lock`` does not, to the root in ``rootfs``."""

    rootfs: Path
    rootfs_lock: Path

    shared: ClassVar[bool] = True

    def verified(self) -> tuple[LockedPackage, ...]:
        """The packages whose signatures are checked by it."""
        return read_lock(self.lock).without(read_lock(self.rootfs_lock))

    def run(self) -> dict[str, str]:
        """Publish the system's archive; the root's own where nothing is to be added.

        Its SHA-256 is returned, by its name, where it was made here.

        :raises TrustError: when a package is not signed by a trusted key
        """
        if self.verified():
            return self.install(base=self.rootfs, base_lock=self.rootfs_lock)
        with publish(self.target) as temporary:
            temporary.unlink()
            temporary.hardlink_to(self.rootfs)
        return {}
