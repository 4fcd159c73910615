"""install-packages: what a board or a build installs, as a layer on the system below it."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from aimager.files import publish
from aimager.model.lock import LockedPackage, read_lock
from aimager.stages.installing import Installing


@dataclass(frozen=True, kw_only=True)
class InstallPackages(Installing):
    """Install what ``lock`` names and ``below_lock`` does not, to the system that is ``below``.

    That is the platform's base system, and may have the board's layer on it. The product is a
    layer, too (`aimager.system.layers`).
    """

    below: tuple[Path, ...]
    below_lock: Path

    shared: ClassVar[bool] = True

    def verified(self) -> tuple[LockedPackage, ...]:
        """The packages whose signatures are checked by it."""
        return read_lock(self.lock).without(read_lock(self.below_lock))

    def run(self) -> dict[str, str]:
        """Publish the layer, an empty file where nothing is to be added or asked for by name.

        Its SHA-256 is returned, by its name, where it was made here.

        :raises TrustError: when a package is not signed by a trusted key
        """
        lock, known = read_lock(self.lock), read_lock(self.below_lock)
        if lock.without(known) or set(lock.requested) - set(known.requested):
            return self.install(below=self.below, below_lock=self.below_lock, is_layer=True)
        with publish(self.target) as temporary:
            temporary.touch()
        return {}
