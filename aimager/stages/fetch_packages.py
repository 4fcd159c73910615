"""fetch-packages: packages and their signatures in the store, checked against the lock."""

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from aimager.build import MirrorChoice
from aimager.distro import Platform
from aimager.download import Client, NotFoundError, Report
from aimager.errors import DownloadError, TrustError
from aimager.files import publish, publish_text
from aimager.lock import LockedPackage, read_lock
from aimager.mirrors import repository_url
from aimager.workshop import Workshop, environment

_CONNECTIONS = 5
_SIGNATURE_LIMIT = 16 << 10
"""libalpm takes no larger signature."""


@dataclass(frozen=True)
class FetchPackages:
    """Fetch what ``lock`` names; ``target`` lists it, and stands for its being there."""

    platform: Platform
    lock: Path
    target: Path
    mirrors: MirrorChoice = environment()
    workshop: Workshop = environment()

    def is_whole(self) -> bool:
        """Whether the store holds all that the lock names."""
        return self.lock.exists() and not self._missing()

    def run(self) -> None:
        """Fetch what is missing, several files at once.

        :raises DownloadError: when a mirror does not give a package as the lock describes it
        :raises TrustError: when a package has no signature
        """
        missing = self._missing()
        if missing and self.mirrors.offline:
            raise DownloadError(
                f"the package {missing[0]} is not in the cache ({len(missing)} are missing)",
                hint="build once without offline=yes",
            )
        if missing:
            self._fetch_all(missing)
        packages = read_lock(self.lock).packages
        publish_text(self.target, "".join(f"{p.sha256}  {p.file}\n" for p in packages))

    def _missing(self) -> list[LockedPackage]:
        return [
            package
            for package in read_lock(self.lock).packages
            if not (
                package.path(self.workshop.store).exists()
                and package.signature(self.workshop.store).exists()
            )
        ]

    def _fetch_all(self, packages: list[LockedPackage]) -> None:
        clients = threading.local()

        def fetch(package: LockedPackage) -> None:
            if not hasattr(clients, "client"):
                clients.client = Client()
            self._fetch(clients.client, package, report)

        with (
            _progress(sum(package.size for package in packages)) as report,
            ThreadPoolExecutor(_CONNECTIONS) as pool,
        ):
            try:
                for _ in pool.map(fetch, packages):
                    pass
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        size = sum(package.size for package in packages) / 1e6
        print(f"   fetched {len(packages)} packages, {size:.1f} MB")

    def _fetch(self, client: Client, package: LockedPackage, report: Report) -> None:
        url = f"{repository_url(self.platform, package.repository, self.mirrors)}/{package.file}"
        path = package.path(self.workshop.store)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            content = client.fetch_small(f"{url}.sig", limit=_SIGNATURE_LIMIT)
        except NotFoundError as error:
            raise TrustError(
                f"the package {package} has no signature: there is no {package.file}.sig beside"
                f" {package.file} on the mirror, so no key vouches for it",
                hint="try another mirror with repo-url-parent=",
            ) from error
        client.fetch(url, path, size=package.size, sha256=package.sha256, report=report)
        with publish(package.signature(self.workshop.store)) as temporary:
            temporary.write_bytes(content)


@contextmanager
def _progress(total: int) -> Iterator[Report]:
    """Show how much of ``total`` bytes has arrived, if somebody looks."""
    with tqdm(
        total=total, unit="B", unit_scale=True, leave=False, disable=not sys.stderr.isatty()
    ) as bar:
        yield bar.update
