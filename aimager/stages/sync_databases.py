"""sync-databases: a platform's sync databases, and the pacman.conf that names them."""

from dataclasses import dataclass
from pathlib import Path

from aimager.archive import read_members
from aimager.build import MirrorChoice
from aimager.distro import Platform
from aimager.download import Client
from aimager.errors import ConfigError, DownloadError
from aimager.fetch_database import fetch_database
from aimager.mirrors import repository_url
from aimager.pacman import repositories
from aimager.sync_database import SyncDatabases as Databases
from aimager.sync_database import read_database, write_databases
from aimager.workshop import Workshop, environment

_CONF = "etc/pacman.conf"


@dataclass(frozen=True)
class SyncDatabases:
    """Ask the mirrors what is new; ``downloads`` keeps the databases as they gave them."""

    platform: Platform
    target: Path
    mirrors: MirrorChoice = environment()
    downloads: Path = environment()
    workshop: Workshop = environment()

    def run(self) -> None:
        """Publish the databases, if they are not those that are there.

        The repositories and their order come from the pacman.conf in the platform's own pacman
        package. It is read before the package can be verified, and only as text: it can name
        repositories, not mirrors or keys, and their packages are verified like any.

        :raises DownloadError: when a mirror does not give what it should
        """
        if self.mirrors.offline:
            if not self.target.exists():
                raise DownloadError(
                    f"the databases of {self.platform.id} are not in the cache",
                    hint="build once without offline=yes",
                )
            return
        client = Client()
        core = self.platform.distro.core_repository
        pacman_conf = self._fetch_conf(client, core, self._fetch(client, core))
        names = repositories(pacman_conf)
        unknown = [name for name, _ in self.mirrors.repositories if name not in names]
        if unknown:
            raise ConfigError(
                f"{self.platform.distro.name} has no repository {unknown[0]}",
                hint=f"repo-url-NAME= is for {', '.join(names)}",
            )
        databases = tuple((name, self._fetch(client, name)) for name in names)
        write_databases(Databases(pacman_conf, databases), self.target)

    def _fetch(self, client: Client, repository: str) -> bytes:
        path = self.downloads / f"{repository}.db"
        url = repository_url(self.platform, repository, self.mirrors)
        return fetch_database(client, url, repository, path)

    def _fetch_conf(self, client: Client, core: str, database: bytes) -> str:
        package = read_database(core, database).get("pacman")
        if package is None:
            raise DownloadError(f"the repository {core} of {self.platform.id} has no pacman")
        locked = package.locked
        path = locked.path(self.workshop.store)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            url = f"{repository_url(self.platform, core, self.mirrors)}/{locked.file}"
            client.fetch(url, path, size=locked.size, sha256=locked.sha256)
        members = read_members(path, lambda name: name == _CONF)
        if _CONF not in members or not repositories(members[_CONF].decode()):
            raise DownloadError(f"{locked.file} holds no {_CONF} that names repositories")
        return members[_CONF].decode()
