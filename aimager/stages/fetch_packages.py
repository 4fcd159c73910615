"""fetch-packages: packages and their signatures in the store, checked against the lock."""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from aimager import progress, units
from aimager.errors import ConfigError, DownloadError
from aimager.files import publish, publish_text
from aimager.locks import locked
from aimager.model.build import MirrorChoice
from aimager.model.distro import Platform
from aimager.model.lock import LockedPackage, read_lock
from aimager.model.workshop import Workshop, environment, unread
from aimager.packages.fetch_package import PackageWish, PackageWishes, download_packages
from aimager.packages.mirrors import archive_url, repository_urls
from aimager.packages.store import (
    Refused,
    begun_part,
    check_space,
    has_file,
    has_signature,
    is_stored,
    keep_package,
    lock_of,
    new_signature,
    part_of,
)
from aimager.packages.unsigned_folder import READ_ANEW, find
from aimager.products.remote.packages import take_packages
from aimager.sandbox.namespace import call
from aimager.system.reused_root import read_reused

_NAMED = 5


@dataclass(frozen=True)
class FetchPackages:
    """Fetch what ``lock`` names; ``target`` is that lock once all of it is there.

    What nobody signed is taken from ``own``, files and folders, alone. What the user's root
    archive has, of which ``reused`` tells, is not needed. What of the store was ``refused`` counts
    as missing, and stays until there is another.
    """

    platform: Platform
    lock: Path
    target: Path
    mirrors: MirrorChoice = environment()
    workshop: Workshop = environment()
    own: tuple[Path, ...] = unread(())
    reused: Path | None = unread()
    refused: Refused | None = unread()

    by_content: ClassVar[bool] = True

    def restore(self) -> str:
        """Which packages the store lacks; empty where it has all, and the target is there."""
        missing = self._missing()
        if missing or self._own():
            return missing_packages(missing) if missing else READ_ANEW
        self.predict()
        return ""

    def predict(self) -> None:
        """Lay the target as if all were fetched."""
        publish_text(self.target, self.lock.read_text())

    def run(self) -> None:
        """Fetch what is missing, several files at once.

        :raises DownloadError: when no mirror gives a package as the lock describes it
        :raises TrustError: when a package has no signature
        :raises HostError: when the disk has no room for them
        """
        for package in self._own():
            self._take(package)
        self._take_from_remote(self._missing())
        missing = self._missing()
        if missing and self.mirrors.offline:
            raise DownloadError(
                f"the package {missing[0]} is not in the cache ({len(missing)} are missing)",
                hint="build once without offline=yes",
            )
        if missing:
            self._check_space(missing)
            self._fetch_all(missing)
        self.predict()

    def _check_space(self, packages: Sequence[LockedPackage]) -> None:
        store = self.workshop.store
        store.mkdir(parents=True, exist_ok=True)
        parts = [part_of(package, store) for package in packages]
        begun = sum(part.stat().st_size for part in parts if part.exists())
        size = max(sum(package.size for package in packages) - begun, 0)
        check_space(store, size, f"fetching {units.count(len(packages), 'package')}")

    def _needed(self) -> tuple[LockedPackage, ...]:
        lock = read_lock(self.lock)
        return read_reused(self.reused).missing(lock) if self.reused else lock.packages

    def _missing(self) -> list[LockedPackage]:
        return [package for package in self.signed() if not self._has(package)]

    def _has(self, package: LockedPackage) -> bool:
        return is_stored(package, self.workshop.store, self.refused or {})

    def signed(self) -> tuple[LockedPackage, ...]:
        """The packages that it fetches."""
        return tuple(package for package in self._needed() if package.is_signed)

    def _take_from_remote(self, packages: list[LockedPackage]) -> None:
        taken = take_packages(
            self.workshop.remote, packages, self.workshop.store, self.refused or {}
        )
        if taken:
            size = sum(package.size for package in taken)
            number = units.count(len(taken), "package")
            progress.say(f"   took {number} from the remote store, {units.size(size)}")

    def _own(self) -> list[LockedPackage]:
        return [package for package in self._needed() if not package.is_signed]

    def _take(self, package: LockedPackage) -> None:
        """Take a package that nobody signed from the user's folder.

        :raises ConfigError: when the user names none, whatever the lock says
        """
        if not self.own:
            raise ConfigError(
                f"the lock names the package {package}, which is not signed",
                hint="packages=FOLDER says where it is, and allows it",
            )
        source = find(self.own, package)
        if not package.path(self.workshop.store).exists():
            with publish(package.path(self.workshop.store)) as temporary:
                shutil.copyfile(source, temporary)

    def _fetch_all(self, packages: list[LockedPackage]) -> None:
        with ExitStack() as stack:
            for path in sorted({lock_of(package, self.workshop.store) for package in packages}):
                stack.enter_context(locked(path))
            left = [package for package in packages if not self._has(package)]
            if left:  # what another build has fetched meanwhile is there
                wishes = tuple(self._wish(stack, package) for package in left)
                files = [f for wish in wishes for f in (wish.part, wish.signature) if f]
                asked, work = PackageWishes(wishes), self.workshop.work
                call(download_packages, asked, work=work, keeps=files, network=True)
                for wish in wishes:
                    keep_package(wish.package, self.workshop.store, wish.part, wish.signature)
        size = sum(package.size for package in packages)
        progress.say(f"   fetched {units.count(len(packages), 'package')}, {units.size(size)}")

    def _wish(self, stack: ExitStack, package: LockedPackage) -> PackageWish:
        store, refused = self.workshop.store, self.refused or {}
        lacks_file = not has_file(package, store, refused)
        lacks_signature = not has_signature(package, store, refused)
        return PackageWish(
            package,
            repository_urls(self.platform, package.repository, self.mirrors),
            archive_url(self.platform, package.repository, package.name),
            stack.enter_context(begun_part(package, store)) if lacks_file else None,
            stack.enter_context(new_signature(package, store)) if lacks_signature else None,
            is_added=self.platform.added(package.repository) is not None,
        )


def missing_packages(packages: Sequence[LockedPackage]) -> str:
    """What is to be fetched, in words."""
    size = sum(package.size for package in packages)
    named = ", ".join(str(package) for package in packages[:_NAMED])
    others = f" and {len(packages) - _NAMED} more" if len(packages) > _NAMED else ""
    return f"{named}{others} to fetch, {units.size(size)}"
