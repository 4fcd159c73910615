"""pacman's sync databases, and what they tell of packages."""

import functools
import sys
from collections.abc import Collection, Mapping
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

_ENTRIES = ("desc", "depends")
"""The files of an entry; before repo-add 5 what a package depends on lay apart."""

_FIELDS = frozenset(
    {"FILENAME", "NAME", "VERSION", "ARCH", "SHA256SUM", "CSIZE", "ISIZE", "BUILDDATE"}
)
_RELATIONS = frozenset({"PROVIDES", "DEPENDS", "GROUPS"})
CHUNK = 1 << 20
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


def read_database(
    repository: str, source: Path | IO[bytes] | bytes, entries: Collection[str] | None = None
) -> Packages:
    """The packages of a repository's database, whatever it is compressed with.

    As for pacman, a package's name and version are those of its folder, and an entry that cannot
    be used is of no matter until it is needed. If ``entries`` are named, as ``NAME-VERSION``, no
    others are read.

    :raises DownloadError: when it is not a database: damaged, a web page, or beyond all limits
    """
    try:
        with recognized(source, limit=limits.DATABASE_UNPACKED) as stream:
            packages = _read_packages(repository, stream, entries)
            while stream.read(CHUNK):
                pass  # for the compression's checksum comes last
    except ValueError as error:
        raise DownloadError(
            f"{repository}.db is not a sync database: {error}",
            hint="a portal or proxy may have answered in the mirror's place; try another mirror"
            " with repo-url-parent=",
        ) from error
    return packages


def _read_packages(repository: str, stream: IO[bytes], named: Collection[str] | None) -> Packages:
    """Each entry becomes a package as it comes, for all of their text would be twice as much."""
    entries, count = dict[str, DatabasePackage | _Unusable](), 0
    for path, content in read_files(stream, functools.partial(_wanted, named)):
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


def _wanted(named: Collection[str] | None, path: str) -> int:
    """The bytes that a file may have: ``NAME-VERSION/desc``, and nothing that lies in no folder.

    One below ``./`` has no name of a package, as for libalpm, and is a fault.
    """
    folder, _, name = path.removeprefix("./").rpartition("/")
    is_wanted = folder and name in _ENTRIES and (named is None or folder in named)
    return limits.DESC if is_wanted else 0


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
