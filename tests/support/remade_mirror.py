"""A mirror that was made anew, and a store that has what it had before."""

from dataclasses import dataclass, replace
from pathlib import Path

from aimager.files import publish_text
from aimager.model.build import MirrorChoice
from aimager.model.distro import Keyring
from aimager.model.lock import Lock, LockedPackage, write_lock
from aimager.model.workshop import Workshop
from aimager.stages.borrow_root import BorrowRoot
from aimager.stages.fetch_packages import FetchPackages
from aimager.stages.keyring_init import KeyringInit
from tests.support.locked import make_workshop
from tests.support.packagers import Packagers
from tests.support.platform_databases import PLATFORM
from tests.support.webserver import Site


@dataclass
class Remade:
    """Packages by a mirror's present signatures, which a store keeps with those of a stranger."""

    folder: Path
    site: Site
    packagers: Packagers
    packages: dict[str, LockedPackage]

    @property
    def workshop(self) -> Workshop:
        """The stages'."""
        return make_workshop(self.folder)

    @property
    def keyring(self) -> Keyring:
        """That of the keyring package."""
        return Keyring("demo", "demo-keyring", self.packagers.masters)

    def lock(self, *names: str) -> tuple[Path, FetchPackages]:
        """A lock of packages, as it is once all are fetched, and what fetches them."""
        lock, target = (self.folder / f"{names[0]}.{kind}" for kind in ("lock", "fetched"))
        text = write_lock(Lock(PLATFORM.id, (), tuple(self.packages[name] for name in names)))
        publish_text(lock, text)
        publish_text(target, text)
        mirrors = MirrorChoice(repositories=(("core", (f"{self.site.url}/core",)),))
        shop = replace(self.workshop, work=self.folder / "none")  # theirs is not to be used
        return target, FetchPackages(PLATFORM, lock, target, mirrors=mirrors, workshop=shop)

    def keyring_init(self) -> tuple[KeyringInit, list[FetchPackages]]:
        """What verifies by gpg, and all that fetches."""
        lock, fetch = self.lock("demo-keyring")
        targets = (self.folder / "keyring.tar", self.folder / "keys.tar")
        made = KeyringInit(
            (self.keyring,), lock, targets, borrowed=None, older=False, workshop=self.workshop
        )
        return made, [self.lock("tool")[1], fetch]

    def borrow_root(self) -> tuple[BorrowRoot, list[FetchPackages]]:
        """What verifies without gpg, the keyring package first."""
        (keyrings, some), (lock, others) = self.lock("demo-keyring"), self.lock("tool", "other")
        target = self.folder / "borrowed.tar"
        made = BorrowRoot(
            (self.keyring,), keyrings, lock, target, older=False, workshop=self.workshop
        )
        return made, [some, others]

    @property
    def store(self) -> Path:
        """Where the packages lie."""
        return self.workshop.store

    def signatures(self) -> list[bytes]:
        """What the store has."""
        return [package.signature(self.store).read_bytes() for package in self.packages.values()]

    def sign(self, key: str, *, on_mirror: bool) -> None:
        """Have all signed by ``key``."""
        for package in self.packages.values():
            signature = self.packagers.sign(key, self.site.content[f"/core/{package.file}"])
            if on_mirror:
                self.site.content[f"/core/{package.file}.sig"] = signature
            else:
                package.signature(self.workshop.store).write_bytes(signature)
