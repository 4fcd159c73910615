"""pacman's sync databases: reading them, and keeping a platform's in one archive."""

import functools
import shutil
import sys
import tarfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aimager import limits
from aimager.compression import recognized
from aimager.errors import DownloadError
from aimager.model.lock import LockedPackage
from aimager.packages.database_entry import first_value, read_fields, read_number, split_entry
from aimager.packages.foreign_packages import is_taken
from aimager.tar_stream import TarError, read_files

_END = ".db"
_ENTRIES = ("desc", "depends")
"""The files of an entry; before repo-add 5 what a package depends on lay apart."""

_FIELDS = frozenset(
    {"FILENAME", "NAME", "VERSION", "ARCH", "SHA256SUM", "CSIZE", "ISIZE", "BUILDDATE"}
)
_RELATIONS = frozenset({"PROVIDES", "DEPENDS", "GROUPS"})
_CHUNK = 1 << 20
_LONGEST_FAULT = 300  # characters


@dataclass(frozen=True, slots=True)
class DatabasePackage:
    """What a database tells of a package: repo-add's ``desc``, as far as we need it."""

    locked: LockedPackage
    provides: tuple[str, ...]
    depends: tuple[str, ...]
    groups: tuple[str, ...] = ()

    @property
    def fields(self) -> Mapping[str, list[str]]:
        """The same as in the files of its entry."""
        it = self.locked
        single = {"FILENAME": it.file, "NAME": it.name, "VERSION": it.version}
        single |= {"ARCH": it.architecture, "SHA256SUM": it.sha256, "CSIZE": str(it.size)}
        single |= {"ISIZE": str(it.installed_size), "BUILDDATE": str(it.build_date)}
        relations = {"PROVIDES": self.provides, "DEPENDS": self.depends, "GROUPS": self.groups}
        told = {key: list(values) for key, values in relations.items()}
        return {**{key: [value] for key, value in single.items()}, **told}


@dataclass(frozen=True, slots=True)
class _Unusable:
    """An entry of which no package comes, at least not before another file of it does."""

    fault: str
    fields: Mapping[str, list[str]]


class Packages(dict[str, DatabasePackage]):
    """Packages by name; ``faults`` tells what is wrong with entries that cannot be used, by the
    name of the package, and ``foreign`` are those for other machines that were passed over."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: dict[str, str] = {}
        self.foreign: dict[str, DatabasePackage] = {}

    def add(self, others: "Packages", architectures: Collection[str] = ()) -> None:
        """Take those of a later repository whose names are not known yet.

        Those for others than these ``architectures``, if any are named, are passed over.
        """
        for name, package in others.items():
            if architectures and not is_taken(package.locked.architecture, architectures):
                self.foreign.setdefault(name, package)
            elif name not in self.faults:
                self.setdefault(name, package)
        for name, fault in others.faults.items():
            if name not in self:
                self.faults.setdefault(name, fault)


def read_database(repository: str, source: Path | IO[bytes] | bytes) -> Packages:
    """The packages of a repository's database, whatever it is compressed with.

    As for pacman, a package's name and version are those of its folder, and an entry that cannot
    be used is of no matter until it is needed.

    :raises DownloadError: when it is not a database: damaged, a web page, or beyond all limits
    """
    try:
        with recognized(source, limit=limits.DATABASE_UNPACKED) as stream:
            packages = _read_packages(repository, stream)
            while stream.read(_CHUNK):
                pass  # for the compression's checksum comes last
    except ValueError as error:
        raise DownloadError(
            f"{repository}.db is not a sync database: {error}",
            hint="a portal or proxy may have answered in the mirror's place; try another mirror"
            " with repo-url-parent=",
        ) from error
    return packages


def _read_packages(repository: str, stream: IO[bytes]) -> Packages:
    """Each entry becomes a package as it comes, for all of their text would be twice as much."""
    entries, count = dict[str, DatabasePackage | _Unusable](), 0
    for path, content in read_files(stream, _wanted):
        entry = path.rpartition("/")[0]
        fields = {
            key: values
            for key, values in read_fields(content.decode(errors="replace")).items()
            if key in _FIELDS or key in _RELATIONS
        }
        count += sum(len(values) for key, values in fields.items() if key in _RELATIONS)
        if count > limits.RELATIONS:
            raise TarError(f"its packages have more than {limits.RELATIONS} dependencies")
        before = entries[entry].fields if entry in entries else {}
        entries[entry] = _read_entry(repository, entry, {**before, **fields})
    packages = Packages()
    for entry, found in entries.items():
        name, _ = split_entry(entry)
        if isinstance(found, _Unusable):
            packages.faults[name] = found.fault
            continue
        if name in packages:
            packages.faults[name] = f"{repository}.db has two entries of {name}"
        packages[name] = found
    for name in packages.faults:
        packages.pop(name, None)
    return packages


def _read_entry(
    repository: str, entry: str, fields: Mapping[str, list[str]]
) -> "DatabasePackage | _Unusable":
    name, version = split_entry(entry)
    try:
        return _read_package(repository, name, version, fields)
    except (ValueError, LookupError) as error:
        return _Unusable(_fault(repository, entry, error), fields)


def _wanted(path: str) -> int:
    """The bytes that a file may have: ``NAME-VERSION/desc``, and nothing that lies in no folder.

    One below ``./`` has no name of a package, as for libalpm, and is a fault.
    """
    folder, _, name = path.removeprefix("./").rpartition("/")
    return limits.DESC if folder and name in _ENTRIES else 0


def _fault(repository: str, entry: str, error: Exception) -> str:
    missing = f"it lacks its {error.args[0]}" if isinstance(error, KeyError) else str(error)
    return f"the entry {entry} of {repository}.db cannot be used: {missing}"[:_LONGEST_FAULT]


def _read_package(
    repository: str, name: str, version: str, fields: Mapping[str, list[str]]
) -> DatabasePackage:
    for key, wanted in (("NAME", name), ("VERSION", version)):
        told = first_value(fields, key, wanted)
        if told != wanted:
            raise ValueError(f"it says that its {key} is {told}")
    file = first_value(fields, "FILENAME")
    locked = LockedPackage(
        name=name,
        version=version,
        architecture=first_value(fields, "ARCH", _architecture(file)),
        repository=repository,
        file=file,
        sha256=first_value(fields, "SHA256SUM"),
        size=read_number(fields, "CSIZE"),
        installed_size=read_number(fields, "ISIZE", "0"),
        build_date=read_number(fields, "BUILDDATE", "0"),
    )
    return DatabasePackage(
        locked,
        *(tuple(map(sys.intern, fields.get(key, ()))) for key in ("PROVIDES", "DEPENDS", "GROUPS")),
    )


def _architecture(file: str) -> str:
    """That in the name of a package's file, which pacman does without where an entry has none."""
    return file.partition(".pkg.tar")[0].rpartition("-")[2] or "any"


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
            while chunk := content.read(_CHUNK):
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
                shutil.copyfileobj(content, stream, _CHUNK)
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
