"""sync-databases: a platform's sync databases."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from aimager.codec import decode, encode
from aimager.errors import DownloadError
from aimager.files import publish_text, sha256, take_if_other
from aimager.locks import locked
from aimager.model.build import MirrorChoice
from aimager.model.distro import Platform
from aimager.model.lock import UNSIGNED
from aimager.model.workshop import Workshop, environment, unread
from aimager.packages.database_archive import KeptDatabase, fill_archive
from aimager.packages.fetch_database import Database, fetch_databases
from aimager.packages.mirrors import repository_urls
from aimager.packages.unsigned_folder import READ_ANEW, make_database
from aimager.products.cache import describe_files, find_damage
from aimager.products.record import KeptFile
from aimager.sandbox.namespace import call


@dataclass(frozen=True)
class _Memory:
    """What ``kept`` was made of, by name, and its file."""

    sources: dict[str, str]
    files: tuple[KeptFile, ...]


@dataclass(frozen=True)
class SyncDatabases:
    """Ask the mirrors what is new.

    ``downloads`` keeps the databases as they gave them, ``kept`` those of the last time. Packages
    of ``own``, files and folders of what nobody signed, come before those of all repositories.
    """

    platform: Platform
    target: Path
    mirrors: MirrorChoice = environment()
    kept: Path = environment()
    downloads: Path = environment()
    workshop: Workshop = environment()
    own: tuple[Path, ...] = unread(())

    by_content: ClassVar[bool] = True

    def restore(self) -> str:
        """Why mirrors must be asked; empty where they need not and the databases are there."""
        if self.own:
            return READ_ANEW
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

        Which repositories there are is a fact of the distribution, or the user's word. No mirror
        is asked for it: a package that says so would have to be read before it is verified.

        :raises DownloadError: when a mirror does not give what it should
        """
        names = self.platform.repository_names
        files = [self.downloads / f"{name}.db" for name in names]
        if self.mirrors.offline:
            missing = [path for path in files if not path.exists()]
            if missing or not (self.own and self.kept.exists()):
                raise DownloadError(
                    f"the databases of {self.platform.id} are not in the cache",
                    hint="build once without offline=yes",
                )
        else:
            self._fetch(names, files)
        self._publish([KeptDatabase(*one) for one in zip(names, files, strict=True)])

    def _fetch(self, names: Sequence[str], files: Sequence[Path]) -> None:
        wanted = [
            Database(name, repository_urls(self.platform, name, self.mirrors), path)
            for name, path in zip(names, files, strict=True)
        ]
        work = self.workshop.work
        fetch_databases(wanted, work=work, run=work.parent / "asked")

    def _publish(self, databases: Sequence[KeptDatabase]) -> None:
        with locked(self.kept.with_suffix(".lock")):
            if self.own:
                database = self.kept.with_name(f".{self.kept.name}.own.db")
                wanted = _Own(self.own, database, self.platform.architectures)
                work, reads = self.workshop.work, list(self.own)
                call(_describe, wanted, work=work, reads=reads, products=[database])
                try:
                    self._keep([KeptDatabase(UNSIGNED, database), *databases])
                finally:
                    database.unlink()
            else:
                self._keep(databases)
            self.predict()

    def _keep(self, databases: Sequence[KeptDatabase]) -> None:
        """Write ``kept``, unless it was made of these very files: large ones take long to read."""
        sources = {database.repository: sha256(database.path) for database in databases}
        memory = self._recall()
        if memory and memory.sources == sources and self._is_kept():
            return
        self._memory.unlink(missing_ok=True)
        new = self.kept.with_name(f".{self.kept.name}.new")
        call(
            _fill,
            _Filling(tuple(databases), new),
            work=self.workshop.work,
            reads=[database.path for database in databases],
            products=[new],
        )
        take_if_other(new, self.kept)
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


@dataclass(frozen=True)
class _Filling:
    databases: tuple[KeptDatabase, ...]
    target: Path


def _fill(asked: _Filling) -> None:
    fill_archive(asked.databases, asked.target)


@dataclass(frozen=True)
class _Own:
    """The user's packages, and the file that is to be the database of those taken."""

    packages: tuple[Path, ...]
    database: Path
    architectures: tuple[str, ...]


def _describe(own: _Own) -> None:
    own.database.write_bytes(make_database(own.packages, own.architectures))
