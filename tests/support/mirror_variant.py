"""Variants of the stand-in mirror: packages upgraded, databases touched, as a mirror's day goes.

A variant is a copy by hard links. Whatever changes in it becomes a new file, so that the mirror
which it was made from stays as it is.
"""

import gzip
import hashlib
import io
import itertools
import lzma
import os
import re
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import zstandard

from aimager.compression import recognized
from aimager.model.distro import Platform
from aimager.packages.openpgp.packets import dearmoured
from aimager.stand_in.signing import SigningKey
from tests.support.key_verdicts import FOLDER, KEYRINGS

_seconds = itertools.count(int(time.time()))

Members = list[tuple[tarfile.TarInfo, bytes]]


@dataclass(frozen=True)
class Entry:
    """A package in a sync database: its repository's folder, its ``desc``, and ``depends``.

    The latter is None where the database has it in ``desc``.
    """

    database: Path
    desc: str
    depends: str | None = None

    def field(self, key: str) -> str:
        """The first value of a field."""
        found = re.search(rf"^%{key}%\n(.*)$", self.desc, re.MULTILINE)
        assert found, f"a desc without {key}"
        return found[1]

    def with_fields(self, **fields: str | int) -> "Entry":
        """The same with other values."""
        desc = self.desc
        for key, value in fields.items():
            desc = re.sub(rf"^(%{key}%\n).*$", rf"\g<1>{value}", desc, flags=re.MULTILINE)
        return replace(self, desc=desc)

    @property
    def name(self) -> str:
        """The name of the package."""
        return self.field("NAME")

    @property
    def version(self) -> str:
        """Its version."""
        return self.field("VERSION")

    @property
    def file(self) -> Path:
        """Its file on the mirror."""
        return self.database.with_name(self.field("FILENAME"))


def copy_mirror(mirror: Path, folder: Path) -> Path:
    """Make ``folder`` a mirror like ``mirror``, its databases newer than any made before."""
    linked = subprocess.run(["cp", "-al", mirror, folder], capture_output=True, check=False)
    if linked.returncode:  # another file system, or another's files (fs.protected_hardlinks)
        subprocess.run(["rm", "-rf", folder], check=True)
        subprocess.run(["cp", "-a", mirror, folder], check=True)
    for database in folder.rglob("*.db"):
        _write(database, database.read_bytes())
    return folder


def databases(mirror: Path, platform: Platform) -> list[Path]:
    """The databases of a platform's repositories."""
    found = (mirror / platform.distro.id).rglob("*.db")
    return sorted(path for path in found if str(platform.architecture) in path.parts)


def find(mirror: Path, platform: Platform, package: str) -> Entry:
    """What the databases say of a package."""
    for database in databases(mirror, platform):
        for entry in read_entries(database):
            if entry.name == package:
                return entry
    raise LookupError(f"{platform.id} has no package {package}")


def read_entries(database: Path) -> Iterator[Entry]:
    """All packages of a database."""
    texts: dict[str, dict[str, str]] = {}
    for member, content in _read_tar(database):
        if member.isreg():
            folder, _, file = member.name.rpartition("/")
            texts.setdefault(folder, {})[file] = content.decode()
    for files in texts.values():
        yield Entry(database, files["desc"], files.get("depends"))


def upgrade(
    mirror: Path,
    key: SigningKey,
    platform: Platform,
    package: str,
    version: str,
    more: Mapping[str, bytes] = MappingProxyType({}),
) -> Entry:
    """Give a package another version, be it a lower one, with all else equal; return it as it was.

    ``mirror`` is a copy of one's own, ``key`` the one that signs the mirror's packages. ``more``
    comes at the ends of files, by the ends of their names.
    """
    before = find(mirror, platform, package)
    name = before.file.name.replace(f"-{before.version}-", f"-{version}-", 1)
    file = before.file.with_name(name)
    content = _repack(before.file, version, more)
    for old in (before.file, _signature(before.file)):
        old.unlink()
    _write(file, content)
    key.sign(file)
    after = before.with_fields(
        FILENAME=file.name,
        VERSION=version,
        CSIZE=len(content),
        SHA256SUM=hashlib.sha256(content).hexdigest(),
    )
    _edit(before.database, lambda entry: after if entry.name == package else entry)
    return before


def replace_package(
    mirror: Path, platform: Platform, package: str, file: Path, **fields: str | int
) -> Entry:
    """Have ``file`` in the place of a package's, beside which its signature lies.

    ``fields`` are those of its description that are others; returns it as it was.
    """
    before = find(mirror, platform, package)
    for old in (before.file, _signature(before.file)):
        old.unlink()
    for new in (file, _signature(file)):
        _write(before.file.with_name(new.name), new.read_bytes())
    after = before.with_fields(FILENAME=file.name, **fields)
    _edit(before.database, lambda entry: after if entry.name == package else entry)
    return before


def upgrade_keyring(mirror: Path, key: SigningKey, platform: Platform, version: str) -> Entry:
    """Give the platform's keyring package another version, with the same keys in it."""
    return upgrade(mirror, key, platform, platform.distro.keyrings[0].package, version)


def remove(mirror: Path, platform: Platform, package: str) -> None:
    """Take a package off the mirror."""
    gone = find(mirror, platform, package)
    for file in (gone.file, _signature(gone.file)):
        file.unlink()
    _edit(gone.database, lambda entry: None if entry.name == package else entry)


def touch(mirror: Path, platform: Platform, repository: str) -> None:
    """Change a database and no package that anything depends on.

    It gets one package more, ``unheard-of``, or the next version of that.
    """
    (database,) = (p for p in databases(mirror, platform) if p.stem == repository)
    entries = list(read_entries(database))
    stranger = next((e for e in entries if e.name == "unheard-of"), None)
    number = int(stranger.version.partition("-")[0]) + 1 if stranger else 1
    like = replace(
        entries[0],
        desc=re.sub(r"%(PROVIDES|REPLACES)%\n(.+\n)+\n", "", entries[0].desc),
        depends=None if entries[0].depends is None else "",
    )
    added = like.with_fields(
        NAME="unheard-of",
        BASE="unheard-of",
        VERSION=f"{number}-1",
        FILENAME=f"unheard-of-{number}-1-any.pkg.tar.zst",
        SHA256SUM=hashlib.sha256(str(number).encode()).hexdigest(),
    )
    _write_entries(database, [*(e for e in entries if e.name != "unheard-of"), added])


def _signature(file: Path) -> Path:
    return file.with_name(f"{file.name}.sig")


def _write(path: Path, content: bytes) -> None:
    """Make ``path`` a new file, later than all that were written before."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    moment = next(_seconds)
    os.utime(path, (moment, moment))


def _edit(database: Path, change: Callable[[Entry], Entry | None]) -> None:
    changed = (change(entry) for entry in list(read_entries(database)))
    _write_entries(database, [entry for entry in changed if entry])


def _write_entries(database: Path, entries: list[Entry]) -> None:
    members: Members = []
    for entry in sorted(entries, key=lambda entry: entry.name):
        folder = tarfile.TarInfo(f"{entry.name}-{entry.version}")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        desc = tarfile.TarInfo(f"{folder.name}/desc")
        members += [(folder, b""), (desc, entry.desc.encode())]
        if entry.depends is not None:
            depends = tarfile.TarInfo(f"{folder.name}/depends")
            members.append((depends, entry.depends.encode()))
    _write(database, gzip.compress(_write_tar(members), compresslevel=6, mtime=0))


def _read_tar(file: Path) -> Members:
    with (
        recognized(file, limit=1 << 40) as content,
        tarfile.open(fileobj=content, mode="r|") as archive,
    ):
        streams = ((member, archive.extractfile(member) if member.isreg() else None)
                   for member in archive)  # fmt: skip
        return [(member, stream.read() if stream else b"") for member, stream in streams]


def _write_tar(members: Members) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, content in members:
            if member.isreg():
                member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def real_keyring() -> dict[str, bytes]:
    """What makes a keyring package that of Arch Linux, too, of 2026-09-09."""
    (keys,) = KEYRINGS["archlinux"].read()
    lists = ("-trusted", "-revoked")
    found = {end: (FOLDER / f"archlinux-20260909{end}").read_bytes() for end in lists}
    return {".gpg": dearmoured(keys), **found}


def _repack(package: Path, version: str, more: Mapping[str, bytes]) -> bytes:
    members = _read_tar(package)
    changed = {
        member.name: re.sub(rb"(?m)^pkgver = .*$", f"pkgver = {version}".encode(), content)
        for member, content in members
        if member.name in (".PKGINFO", ".BUILDINFO")
    }
    contents = {member.name: content for member, content in members}
    for end, content in more.items():
        changed |= {name: old + content for name, old in contents.items() if name.endswith(end)}
    changed[".MTREE"] = _correct_mtree(contents[".MTREE"], changed)
    tar = _write_tar([(member, changed.get(member.name, old)) for member, old in members])
    if package.suffix == ".xz":
        return lzma.compress(tar, preset=1)
    return zstandard.ZstdCompressor(level=3).compress(tar)


def _correct_mtree(mtree: bytes, changed: dict[str, bytes]) -> bytes:
    """The .MTREE with the sizes and sums of ``changed``."""
    lines = gzip.decompress(mtree).decode().split("\n")
    for name, content in changed.items():
        sums = {
            "size": str(len(content)),
            "sha256digest": hashlib.sha256(content).hexdigest(),
            "md5digest": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        }
        for index, line in enumerate(lines):
            if line.startswith(f"./{name} "):
                for keyword, value in sums.items():
                    line = re.sub(rf" {keyword}=\S+", f" {keyword}={value}", line)
                lines[index] = line
    return gzip.compress("\n".join(lines).encode(), mtime=0)
