"""sync-databases: a platform's sync databases, and the pacman.conf that names them."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from aimager.archive import read_members
from aimager.codec import decode, encode
from aimager.errors import ConfigError, DownloadError
from aimager.files import publish_text
from aimager.locks import locked
from aimager.model.build import MirrorChoice
from aimager.model.distro import Platform
from aimager.model.lock import UNSIGNED
from aimager.model.workshop import Workshop, environment, unread
from aimager.packages.download import Client
from aimager.packages.fetch_database import fetch_database
from aimager.packages.mirror_fallback import Fallback
from aimager.packages.mirrors import repository_urls
from aimager.packages.pacman import repositories
from aimager.packages.sync_database import (
    DatabaseArchive,
    read_database,
    read_databases,
    write_databases,
)
from aimager.packages.unsigned_folder import make_database
from aimager.products.cache import describe_files, find_damage
from aimager.products.record import KeptFile
from aimager.products.remote.packages import take_packages

_CONF = "etc/pacman.conf"


@dataclass(frozen=True)
class _Memory:
    """What ``kept`` was made of, by name, and its file."""

    sources: dict[str, str]
    files: tuple[KeptFile, ...]


@dataclass(frozen=True)
class SyncDatabases:
    """Ask the mirrors what is new.

    ``downloads`` keeps the databases as they gave them, ``kept`` those of the last time. Packages
    in ``folder``, which nobody signed, come before those of all repositories.
    """

    platform: Platform
    target: Path
    mirrors: MirrorChoice = environment()
    kept: Path = environment()
    downloads: Path = environment()
    workshop: Workshop = environment()
    folder: Path | None = unread()

    by_content: ClassVar[bool] = True

    def restore(self) -> str:
        """Why mirrors must be asked; empty where they need not and the databases are there."""
        if self.folder:
            return "the folder of packages is read at every build"
        if not self.mirrors.offline:
            return "the mirrors are asked at every build"
        if not self._is_kept():
            return f"the databases of {self.platform.id} are not in the cache"
        self.predict()
        return ""

    def predict(self) -> None:
        """Take the databases of the last time, if there are any."""
        if self._is_kept():
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self.target.unlink(missing_ok=True)
            self.target.hardlink_to(self.kept)

    def run(self) -> None:
        """Publish the databases, if they are not those that are there.

        The repositories and their order come from the pacman.conf in the platform's own pacman
        package. It is read before the package can be verified, and only as text: it can name
        repositories, not mirrors or keys, and their packages are verified like any.

        :raises DownloadError: when a mirror does not give what it should
        """
        if self.mirrors.offline and self.folder and self.kept.exists():
            known = read_databases(self.kept)
            signed = tuple(one for one in known.databases if one[0] != UNSIGNED)
            self._publish(DatabaseArchive(known.pacman_conf, signed))
            return
        if self.mirrors.offline:
            raise DownloadError(
                f"the databases of {self.platform.id} are not in the cache",
                hint="build once without offline=yes",
            )
        client, fallback = Client(), Fallback()
        core = self.platform.distro.core_repository
        self._add((core,))  # refuse another of that name before it is taken for core
        database = self._fetch(client, fallback, core)
        pacman_conf = self._fetch_conf(client, fallback, core, database)
        names = self._add(self.platform.distro.base_repositories or repositories(pacman_conf))
        unknown = [name for name, _ in self.mirrors.repositories if name not in names]
        if unknown:
            raise ConfigError(
                f"{self.platform.distro.name} has no repository {unknown[0]}",
                hint=f"repo-url-NAME= is for {', '.join(names)}",
            )
        databases = tuple(
            (name, database if name == core else self._fetch(client, fallback, name))
            for name in names
        )
        self._publish(DatabaseArchive(pacman_conf, databases))

    def _publish(self, databases: DatabaseArchive) -> None:
        if self.folder:
            own = (UNSIGNED, make_database(self.folder))
            databases = replace(databases, databases=(own, *databases.databases))
        with locked(self.kept.with_suffix(".lock")):
            self._keep(databases)
            self.predict()

    def _add(self, names: tuple[str, ...]) -> tuple[str, ...]:
        added = tuple(repository.id for repository in self.platform.repositories)
        twice = [name for name in added if name in names]
        if twice:
            raise ConfigError(
                f"{self.platform.distro.name} has a repository {twice[0]} itself",
                hint="leave it out of add-repos=, or give yours another name",
            )
        return names + added

    def _keep(self, databases: DatabaseArchive) -> None:
        """Write ``kept``, unless it was made of these very files: large ones take long to read."""
        sources = {name: hashlib.sha256(data).hexdigest() for name, data in databases.databases}
        sources |= {"pacman.conf": databases.pacman_conf}
        memory = self._recall()
        if memory and memory.sources == sources and self._is_kept():
            return
        self._memory.unlink(missing_ok=True)
        write_databases(databases, self.kept)
        kept = _Memory(sources, describe_files([self.kept]))
        publish_text(self._memory, json.dumps(encode(kept)))

    def _is_kept(self) -> bool:
        memory = self._recall()
        return memory is not None and not find_damage(self.kept.parent, memory.files)

    @property
    def _memory(self) -> Path:
        return self.kept.with_suffix(".json")

    def _recall(self) -> "_Memory | None":
        try:
            memory: _Memory = decode(_Memory, json.loads(self._memory.read_bytes()))
        except (FileNotFoundError, ValueError):
            return None
        return memory

    def _fetch(self, client: Client, fallback: Fallback, repository: str) -> bytes:
        path = self.downloads / f"{repository}.db"
        urls = repository_urls(self.platform, repository, self.mirrors)
        run = self.workshop.work.parent / "asked"
        return fetch_database(client, fallback, urls, repository, path, run=run)

    def _fetch_conf(self, client: Client, fallback: Fallback, core: str, database: bytes) -> str:
        package = read_database(core, database).get("pacman")
        if package is None:
            raise DownloadError(f"the repository {core} of {self.platform.id} has no pacman")
        locked = package.locked
        path = locked.path(self.workshop.store)

        def fetch(url: str) -> None:
            client.fetch(f"{url}/{locked.file}", path, size=locked.size, sha256=locked.sha256)

        if not path.exists() and not take_packages(
            self.workshop.remote, [locked], self.workshop.store
        ):
            fallback.ask(client, repository_urls(self.platform, core, self.mirrors), fetch)
        members = read_members(path, lambda name: name == _CONF)
        if _CONF not in members or not repositories(members[_CONF].decode()):
            raise DownloadError(f"{locked.file} holds no {_CONF} that names repositories")
        return members[_CONF].decode()
