"""make-rootfs-archive: a platform's base system, installed from verified packages."""

from dataclasses import dataclass
from typing import ClassVar

from aimager.model.lock import LockedPackage, read_lock
from aimager.stages.installing import Installing


@dataclass(frozen=True, kw_only=True)
class MakeRootfsArchive(Installing):
    """Install the packages of ``lock`` to an empty root."""

    shared: ClassVar[bool] = True

    def verified(self) -> tuple[LockedPackage, ...]:
        """The packages whose signatures are checked by it."""
        return read_lock(self.lock).packages

    def run(self) -> dict[str, str]:
        """Publish the root's archive, and return its SHA-256.

        :raises TrustError: when a package is not signed by a trusted key
        """
        return self.install()
