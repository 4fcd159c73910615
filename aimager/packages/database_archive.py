"""A platform's sync databases, kept in one archive, each as it is when it is not compressed."""

import functools
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aimager import limits
from aimager.compression import recognized
from aimager.errors import DownloadError
from aimager.model.lock import LockedPackage
from aimager.packages.sync_database import CHUNK, Packages, read_database

_END = ".db"


@dataclass(frozen=True)
class KeptDatabase:
    """A repository's database in a file, to be kept in an archive."""

    repository: str
    path: Path


def fill_archive(databases: Sequence[KeptDatabase], target: Path) -> None:
    """Write them to one archive, in pacman.conf's order; its bytes change only when theirs do.

    There they are not compressed, so that they need not be decompressed again and again.

    :raises DownloadError: when one is damaged
    """
    with target.open("wb") as stream, tarfile.open(fileobj=stream, mode="w") as archive:
        for database in databases:
            _add(archive, database)


def _add(archive: tarfile.TarFile, database: KeptDatabase) -> None:
    member = tarfile.TarInfo(f"{database.repository}{_END}")
    try:
        with recognized(database.path, limit=limits.DATABASE_UNPACKED) as content:
            while chunk := content.read(CHUNK):
                member.size += len(chunk)
        with recognized(database.path, limit=limits.DATABASE_UNPACKED) as content:
            archive.addfile(member, content)
    except ValueError as error:
        raise DownloadError(
            f"{member.name} is not a sync database: {error}",
            hint="whoever can write to the cache may have changed it: remove the folder sync of"
            " the cache, and build again",
        ) from error


@contextmanager
def _databases(source: Path) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    """The databases of such an archive, as streams that are read in their order."""
    with tarfile.open(source, "r:") as archive:
        yield (
            (member.name.removesuffix(_END), content)
            for member in archive
            if member.name.endswith(_END) and (content := archive.extractfile(member))
        )


def lay_databases(source: Path, folder: Path) -> tuple[str, ...]:
    """Lay the databases of such an archive in a folder, as pacman has them; returns their names."""
    with _databases(source) as databases:
        names = []
        for name, content in databases:
            with (folder / f"{name}{_END}").open("wb") as stream:
                shutil.copyfileobj(content, stream, CHUNK)
            names.append(name)
    return tuple(names)


def read_repository(source: Path, repository: str) -> Packages:
    """The packages of one repository of such an archive, also those of names that others have.

    :raises DownloadError: when its database is damaged
    """
    with _databases(source) as databases:
        for name, content in databases:
            if name == repository:
                return read_database(name, content)
    return Packages()


def read_locked(source: Path, locked: Sequence[LockedPackage]) -> Packages:
    """What the databases of such an archive tell of the packages of a lock.

    :raises DownloadError: when a database is damaged
    """
    entries: dict[str, set[str]] = {}
    for package in locked:
        entries.setdefault(package.repository, set()).add(f"{package.name}-{package.version}")
    packages = Packages()
    with _databases(source) as databases:
        for name, content in databases:
            if name in entries:
                packages.add(read_database(name, content, entries[name]))
    return packages


def read_packages(source: Path, architectures: tuple[str, ...] = ()) -> Packages:
    """All packages of such an archive; of those with one name, the first repository's.

    If ``architectures`` are named, it is the first that has it for one of them, or for any. It is
    read once, however often it is asked for: thousands of packages take seconds.

    :raises DownloadError: when a database is damaged
    """
    status = source.stat()
    return _read_once(
        source, status.st_ino, status.st_size, status.st_mtime_ns, architectures=architectures
    )


@functools.lru_cache(maxsize=4)
def _read_once(
    source: Path, inode: int, size: int, mtime_ns: int, *, architectures: tuple[str, ...]
) -> Packages:
    packages = Packages()
    with _databases(source) as databases:
        for name, content in databases:
            packages.add(read_database(name, content), architectures)
    return packages
