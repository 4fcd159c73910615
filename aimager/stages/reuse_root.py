"""install-packages, on a root archive of the user's in place of the platform's base system."""

from dataclasses import dataclass
from pathlib import Path

from aimager import progress
from aimager.model.lock import LockedPackage, read_lock
from aimager.stages.installing import Installing
from aimager.system.reused_root import read_reused
from aimager.units import count


@dataclass(frozen=True, kw_only=True)
class ReuseRoot(Installing):
    """Install what ``lock`` names, as far as ``archive`` does not have it, to the root in that.

    ``reused`` tells what it holds. The product is for this machine alone: what the user's archive
    holds is nobody else's.
    """

    archive: Path
    reused: Path

    def verified(self) -> tuple[LockedPackage, ...]:
        """The packages whose signatures are checked by it."""
        return read_reused(self.reused).missing(read_lock(self.lock))

    def run(self) -> dict[str, str]:
        """Publish the system's archive, and return its SHA-256.

        :raises TrustError: when a package is not signed by a trusted key
        :raises ConfigError: when the packages do not fit what the archive holds
        """
        held = count(len(read_reused(self.reused).packages), "package")
        progress.say(f"   NOT VERIFIED: {self.archive.name} with {held}, taken as it is")
        return self.install(below=(self.archive,), reused=self.reused)
