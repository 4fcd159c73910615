"""fetch-packages: packages and their signatures in the store, checked against the lock."""

import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from aimager import progress, units
from aimager.errors import ConfigError, DownloadError, TrustError
from aimager.files import publish, publish_text
from aimager.model.build import MirrorChoice
from aimager.model.distro import Platform
from aimager.model.lock import LockedPackage, read_lock
from aimager.model.workshop import Workshop, environment, unread
from aimager.packages.download import Client, Report
from aimager.packages.mirror_fallback import Fallback, NoMirrorError
from aimager.packages.mirrors import archive_url, repository_urls
from aimager.packages.store import check_space, is_stored, mark_compared
from aimager.packages.unsigned_folder import find
from aimager.products.remote.packages import take_packages
from aimager.system.reused_root import read_reused

_CONNECTIONS = 5
_NAMED = 5
_SIGNATURE_LIMIT = 16 << 10
"""libalpm takes no larger signature."""


class _EndedError(Exception):
    """Another download failed, or Ctrl-C came: this one is to stop where it is."""


@dataclass(frozen=True)
class FetchPackages:
    """Fetch what ``lock`` names; ``target`` is that lock once all of it is there.

    What nobody signed is taken from ``folder`` alone. What the user's root archive has, of which
    ``reused`` tells, is not needed.
    """

    platform: Platform
    lock: Path
    target: Path
    mirrors: MirrorChoice = environment()
    workshop: Workshop = environment()
    folder: Path | None = unread()
    reused: Path | None = unread()

    by_content: ClassVar[bool] = True

    def restore(self) -> str:
        """Which packages the store lacks; empty where it has all, and the target is there."""
        missing = self._missing()
        if missing or self._own():
            return (
                missing_packages(missing)
                if missing
                else "the folder of packages is read at every build"
            )
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
        parts = [package.path(store) for package in packages]
        parts = [path.with_name(f"{path.name}.part") for path in parts]
        begun = sum(part.stat().st_size for part in parts if part.exists())
        size = max(sum(package.size for package in packages) - begun, 0)
        check_space(store, size, f"fetching {units.count(len(packages), 'package')}")

    def _needed(self) -> tuple[LockedPackage, ...]:
        lock = read_lock(self.lock)
        return read_reused(self.reused).missing(lock) if self.reused else lock.packages

    def _missing(self) -> list[LockedPackage]:
        store = self.workshop.store
        return [p for p in self._needed() if p.is_signed and not is_stored(p, store)]

    def _take_from_remote(self, packages: list[LockedPackage]) -> None:
        taken = take_packages(self.workshop.remote, packages, self.workshop.store)
        if taken:
            size = sum(package.size for package in taken)
            number = units.count(len(taken), "package")
            print(f"   took {number} from the remote store, {units.size(size)}")

    def _own(self) -> list[LockedPackage]:
        return [package for package in self._needed() if not package.is_signed]

    def _take(self, package: LockedPackage) -> None:
        """Take a package that nobody signed from the user's folder.

        :raises ConfigError: when the user names none, whatever the lock says
        """
        if self.folder is None:
            raise ConfigError(
                f"the lock names the package {package}, which is not signed",
                hint="packages=FOLDER says where it is, and allows it",
            )
        source = find(self.folder, package)
        if not package.path(self.workshop.store).exists():
            with publish(package.path(self.workshop.store)) as temporary:
                shutil.copyfile(source, temporary)

    def _fetch_all(self, packages: list[LockedPackage]) -> None:
        clients = threading.local()
        fallback = Fallback(lambda line: print(f"{line}\n", end=""))

        def fetch(package: LockedPackage) -> None:
            if not hasattr(clients, "client"):
                clients.client = Client()
            giver = self._fetch(clients.client, fallback, package, report)
            if not package.signature(self.workshop.store).exists():
                self._fetch_signature(clients.client, fallback, package, giver)

        size = sum(package.size for package in packages)
        count, ended = progress.counting("downloading", size), threading.Event()

        def report(more: int) -> None:
            if ended.is_set():
                raise _EndedError
            count(more)

        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            try:
                for _ in pool.map(fetch, packages):
                    pass
            except BaseException:
                ended.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        print(f"   fetched {units.count(len(packages), 'package')}, {units.size(size)}")

    def _fetch(
        self, client: Client, fallback: Fallback, package: LockedPackage, report: Report
    ) -> str:
        """Fetch a package, and return the address below which it was found."""

        def fetch(url: str) -> str:
            client.fetch(
                f"{url}/{package.file}",
                package.path(self.workshop.store),
                size=package.size,
                sha256=package.sha256,
                report=report,
            )
            mark_compared(package, self.workshop.store)
            return url

        urls = repository_urls(self.platform, package.repository, self.mirrors)
        archive = archive_url(self.platform, package.repository, package.name)
        try:
            return fallback.ask(client, urls, fetch, archive=archive)
        except NoMirrorError as error:
            if not error.is_missed:
                raise
            raise DownloadError(
                f"no mirror has the package {package} (any more): {error.message}",
                hint="try another mirror with repo-url-parent=, one that keeps old packages with"
                f" repo-url-{package.repository}=, or, if the build is locked, make a new lock with"
                " doit update lock=FILE",
            ) from error

    def _fetch_signature(
        self, client: Client, fallback: Fallback, package: LockedPackage, giver: str
    ) -> None:
        """Fetch a package's signature, from ``giver`` if it has it."""

        def fetch(url: str) -> bytes:
            content = client.fetch_small(f"{url}/{package.file}.sig", limit=_SIGNATURE_LIMIT)
            if not _is_signature(content):
                raise DownloadError(
                    f"{url}/{package.file}.sig is not a signature",
                    hint="a portal or proxy may have answered instead of the mirror; try another"
                    " mirror with repo-url-parent=",
                )
            return content

        urls = repository_urls(self.platform, package.repository, self.mirrors)
        archive = archive_url(self.platform, package.repository, package.name)
        try:
            first = tuple(dict.fromkeys((giver, *urls)))
            content = fallback.ask(client, first, fetch, archive=archive)
        except NoMirrorError as error:
            if not error.is_missed:
                raise
            raise TrustError(
                f"the package {package} has no signature: the mirror has no {package.file}.sig",
                hint="try another mirror with repo-url-parent=",
            ) from error
        with publish(package.signature(self.workshop.store)) as temporary:
            temporary.write_bytes(content)


def missing_packages(packages: Sequence[LockedPackage]) -> str:
    """What is to be fetched, in words."""
    size = sum(package.size for package in packages)
    named = ", ".join(str(package) for package in packages[:_NAMED])
    others = f" and {len(packages) - _NAMED} more" if len(packages) > _NAMED else ""
    return f"{named}{others} to fetch, {units.size(size)}"


def _is_signature(content: bytes) -> bool:
    """Whether it begins as a signature packet of OpenPGP does, in either format (RFC 9580 4.2)."""
    return bool(content) and (content[0] & 0xFC == 0x88 or content[0] == 0xC2)
