"""Mirrors like a stand-in mirror, with packages more, or newer, by a key of the bench's.

What is the same is linked; what changes becomes a new file, so that the mirror that one was made
from stays as it is.
"""

import base64
import gzip
import io
import itertools
import os
import random
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from aimager import limits
from aimager.compression import recognized
from aimager.package_files import read_members
from aimager.packages.sync_database import read_database
from aimager.stand_in.entry import Entry, arrange_entries, make_file
from aimager.stand_in.metadata import Built, Metadata, write_desc
from aimager.stand_in.package_file import Compression, write_package
from aimager.stand_in.signing import SigningKey

_DATE = 1_740_000_000
"""The build date of packages added: not the newest, which would date all files of an image."""

_NOTE = 100_000  # bytes
_moments = itertools.count(int(time.time()))

_COLUMNS = {
    "provides": "provides",
    "depend": "depends",
    "conflict": "conflicts",
    "replaces": "replaces",
    "backup": "backup",
    "optdepend": "optional",
    "group": "groups",
}
"""The words of .PKGINFO (PKGINFO(5)) that may come several times, as `Metadata` has them."""


def link_mirror(mirror: Path, folder: Path) -> None:
    """Make ``folder`` a mirror like ``mirror``, anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    linked = subprocess.run(["cp", "-al", mirror, folder], capture_output=True, check=False)
    if linked.returncode:  # another file system, or another's files (fs.protected_hardlinks)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["cp", "-a", mirror, folder], check=True)


def repository(mirror: Path, name: str) -> Path:
    """The folder of a repository of Arch Linux's."""
    return mirror / "archlinux" / name / "os/x86_64"


def core(mirror: Path) -> Path:
    """The database of Arch Linux's core."""
    return repository(mirror, "core") / "core.db"


def add_key(mirror: Path, key: SigningKey) -> None:
    """Have the keyring packages of all distributions hold ``key``, too; it then signs them."""
    more = f"{key.fingerprint}:4:\n".encode()

    def add(entry: Entry) -> Entry:
        if entry.path.endswith(".gpg"):
            armored = entry.data.startswith(b"-----BEGIN")
            return replace(entry, data=entry.data + key.export(armored=armored))
        return replace(entry, data=entry.data + more * entry.path.endswith("-trusted"))

    for database in sorted(mirror.rglob("core.db")):
        for name in read_database("core", database):
            if name.endswith("-keyring"):
                rebuild(database, key, name, further, lambda entries: map(add, entries))


def further(metadata: Metadata) -> Metadata:
    """The next pkgrel of the same package."""
    return replace(metadata, version=f"{metadata.version}.1")


def add_notes(mirror: Path, key: SigningKey, names: Iterable[str]) -> None:
    """Give ``extra`` small packages, which depend on nothing and fire no hook."""
    folder = repository(mirror, "extra")
    notes = []
    for name in names:
        content = base64.b64encode(random.Random(name).randbytes(_NOTE))
        entries = arrange_entries([make_file(f"usr/share/{name}/text", content)], _DATE)
        metadata = Metadata(name, "1-1", "any", "A note", "", _DATE)
        notes.append(write_package(folder, metadata, entries))
        key.sign(folder / notes[-1].filename)
    put(folder / "extra.db", described(notes))


def upgrade(mirror: Path, key: SigningKey, name: str) -> None:
    """Build a package of ``core`` anew, now and with a higher pkgrel, all else equal."""
    moment = next(_moments)

    def newer(metadata: Metadata) -> Metadata:
        pkgver, _, pkgrel = metadata.version.rpartition("-")
        version = f"{pkgver}-{pkgrel.partition('.')[0]}.{moment}"
        return replace(metadata, version=version, date=moment)

    rebuild(core(mirror), key, name, newer)


def rebuild(
    database: Path,
    key: SigningKey,
    name: str,
    change: Callable[[Metadata], Metadata],
    alter: Callable[[Iterator[Entry]], Iterable[Entry]] = lambda entries: entries,
) -> None:
    """Make a package of a repository anew, with another version; its files are of its new date."""
    before = read_database(database.stem, database)[name].locked
    file = database.with_name(before.file)
    metadata, install = _described(file)
    metadata = change(metadata)
    dated = (replace(entry, mtime=metadata.date) for entry in alter(_entries(file)))
    entries = arrange_entries(dated, metadata.date)
    compression: Compression = "xz" if file.suffix == ".xz" else "zst"
    built = write_package(file.parent, metadata, entries, install=install, compression=compression)
    key.sign(file.with_name(built.filename))
    put(database, described([built]), instead_of={f"{name}-{before.version}"})
    for old in (file, file.with_name(f"{file.name}.sig")):
        old.unlink()


def described(packages: Iterable[Built]) -> dict[str, bytes]:
    """The entries of packages, by their names and versions, for `put`."""
    return {f"{b.metadata.name}-{b.metadata.version}": write_desc(b) for b in packages}


def put(database: Path, packages: Mapping[str, bytes], *, instead_of: Collection[str] = ()) -> None:
    """Add packages to a database, in the place of those of it with these names and versions.

    It becomes newer than all databases that were written before.
    """
    entries: dict[str, bytes] = {}
    with gzip.open(database) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            if member.isreg() and member.name.partition("/")[0] not in instead_of:
                content = archive.extractfile(member)
                entries[member.name] = content.read() if content else b""
    entries |= {f"{name}/desc": desc for name, desc in packages.items()}
    database.unlink()
    database.write_bytes(gzip.compress(_database(entries), compresslevel=6, mtime=0))
    moment = next(_moments)
    os.utime(database, (moment, moment))


def _database(entries: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        folder = ""
        for name, content in sorted(entries.items()):
            if (inside := name.partition("/")[0]) != folder:
                folder = inside
                member = tarfile.TarInfo(folder)
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(member)
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _described(package: Path) -> tuple[Metadata, bytes]:
    """What its .PKGINFO says, and its scriptlet."""
    found = read_members(package, lambda path: path in (".PKGINFO", ".INSTALL"))
    lines = [line.partition(" = ") for line in found[".PKGINFO"].decode().splitlines()]
    values: dict[str, list[str]] = {}
    for word, _, value in lines:
        values.setdefault(word, []).append(value)
    metadata = Metadata(
        values["pkgname"][0],
        values["pkgver"][0],
        values["arch"][0],
        values["pkgdesc"][0],
        values["url"][0],
        int(values["builddate"][0]),
        values["license"][0],
        **{name: tuple(values.get(word, ())) for word, name in _COLUMNS.items()},
    )
    return metadata, found.get(".INSTALL", b"")


def _entries(package: Path) -> Iterator[Entry]:
    """All that it installs."""
    with (
        recognized(package, limit=limits.PACKAGE_UNPACKED) as content,
        tarfile.open(fileobj=content, mode="r|") as archive,
    ):
        for member in archive:
            if member.name.startswith("."):
                continue
            whose = (member.mode, member.uid, member.gid, int(member.mtime))
            if member.isdir():
                yield Entry(member.name, "dir", *whose)
            elif member.issym():
                yield Entry(member.name, "link", *whose, target=member.linkname)
            else:
                stream = archive.extractfile(member)
                capability = member.pax_headers.get("SCHILY.xattr.security.capability", "")
                yield Entry(
                    member.name,
                    "file",
                    *whose,
                    data=stream.read() if stream else b"",
                    capability=capability.encode(),
                )
