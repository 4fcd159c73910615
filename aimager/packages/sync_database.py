"""pacman's sync databases: reading them, and keeping a platform's in one archive."""

import bz2
import functools
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import zstandard

from aimager.archive import pack_members
from aimager.errors import DownloadError
from aimager.files import publish
from aimager.model.lock import LockedPackage

PACMAN_CONF = "pacman.conf"


@dataclass(frozen=True)
class DatabasePackage:
    """What a database tells of a package: repo-add's ``desc``, as far as we need it."""

    locked: LockedPackage
    provides: tuple[str, ...]
    depends: tuple[str, ...]
    groups: tuple[str, ...] = ()


def decompress(data: bytes) -> bytes:
    """The content of a database, whatever it is compressed with.

    :raises ValueError: when it is damaged
    """
    try:
        if data.startswith(b"\x1f\x8b"):
            return gzip.decompress(data)
        if data.startswith(b"\xfd7zXZ\x00"):
            return lzma.decompress(data)
        if data.startswith(b"BZh"):
            return bz2.decompress(data)
        if data.startswith(b"\x28\xb5\x2f\xfd"):
            return _decompress_zstd(data)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError) as error:
        raise ValueError(str(error)) from error
    return data


def _decompress_zstd(data: bytes) -> bytes:
    """All frames of ``data``; zstandard's own reader takes a cut-off one as complete."""
    content = []
    while data:
        frame = zstandard.ZstdDecompressor().decompressobj()
        content.append(frame.decompress(data))
        if not frame.eof:
            raise EOFError("it is cut off")
        data = frame.unused_data
    return b"".join(content)


def read_database(repository: str, data: bytes) -> dict[str, DatabasePackage]:
    """The packages of a repository's database by name.

    :raises DownloadError: when it is not a database: damaged, or a web page
    """
    try:
        return {p.locked.name: p for p in _read_packages(repository, decompress(data))}
    except (ValueError, LookupError, tarfile.TarError) as error:
        raise DownloadError(
            f"{repository}.db is not a sync database: {error}",
            hint="a portal or proxy may have answered in the mirror's place; try another mirror"
            " with repo-url-parent=",
        ) from error


def _read_packages(repository: str, tar: bytes) -> Iterator[DatabasePackage]:
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.name.endswith("/desc") else None
            if stream:
                yield _read_package(repository, read_fields(stream.read().decode()))


def read_fields(desc: str) -> dict[str, list[str]]:
    """The fields of a ``desc`` file, repo-add's or pacman's own: the lines below each name."""
    fields = {}
    for block in desc.split("\n\n"):
        key, *values = block.strip("\n").split("\n")
        fields[key.strip("%")] = values
    return fields


def _size(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"a size of {text} bytes")
    return int(text)


def _read_package(repository: str, fields: Mapping[str, list[str]]) -> DatabasePackage:
    locked = LockedPackage(
        name=fields["NAME"][0],
        version=fields["VERSION"][0],
        architecture=fields["ARCH"][0],
        repository=repository,
        file=fields["FILENAME"][0],
        sha256=fields["SHA256SUM"][0],
        size=_size(fields["CSIZE"][0]),
        installed_size=_size(fields["ISIZE"][0]),
        build_date=int(fields["BUILDDATE"][0]),
    )
    return DatabasePackage(
        locked,
        tuple(fields.get("PROVIDES", ())),
        tuple(fields.get("DEPENDS", ())),
        tuple(fields.get("GROUPS", ())),
    )


@dataclass(frozen=True)
class DatabaseArchive:
    """A platform's databases, in pacman.conf's order, and that pacman.conf."""

    pacman_conf: str
    databases: tuple[tuple[str, bytes], ...]

    def read(self) -> dict[str, DatabasePackage]:
        """All packages by name; of those with one name, the first repository's.

        :raises DownloadError: when a database is damaged
        """
        packages: dict[str, DatabasePackage] = {}
        for repository, data in self.databases:
            for name, package in read_database(repository, data).items():
                packages.setdefault(name, package)
        return packages


def write_databases(databases: DatabaseArchive, target: Path) -> None:
    """Keep them in one archive, whose bytes change only when theirs do."""
    content = pack_members(
        [
            (PACMAN_CONF, databases.pacman_conf.encode()),
            *((f"{name}.db", decompress(data)) for name, data in databases.databases),
        ]
    )
    if target.exists() and target.read_bytes() == content:
        return
    with publish(target) as temporary:
        temporary.write_bytes(content)


def read_databases(source: Path) -> DatabaseArchive:
    """The databases of an archive that :func:`write_databases` made."""
    members = {}
    with tarfile.open(source, "r:") as archive:
        for member in archive:
            stream = archive.extractfile(member)
            members[member.name] = stream.read() if stream else b""
    pacman_conf = members.pop(PACMAN_CONF).decode()
    return DatabaseArchive(
        pacman_conf, tuple((name.removesuffix(".db"), data) for name, data in members.items())
    )


def read_repository(source: Path, repository: str) -> Mapping[str, DatabasePackage]:
    """The packages of one repository of such an archive, also those of names that others have.

    :raises DownloadError: when its database is damaged
    """
    databases = dict(read_databases(source).databases)
    return read_database(repository, databases[repository])


def read_packages(source: Path) -> Mapping[str, DatabasePackage]:
    """All packages of such an archive, as `DatabaseArchive.read` has them.

    It is read once, however often it is asked for: thousands of packages take seconds.

    :raises DownloadError: when a database is damaged
    """
    status = source.stat()
    return _read_once(source, status.st_ino, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _read_once(source: Path, inode: int, size: int, mtime_ns: int) -> Mapping[str, DatabasePackage]:
    return MappingProxyType(read_databases(source).read())
