"""Writing pacman packages and sync databases; equal contents give equal bytes."""

import base64
import gzip
import hashlib
import io
import lzma
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import zstandard

from aimager.stand_in.entry import Entry
from aimager.stand_in.metadata import (
    Built,
    Metadata,
    write_buildinfo,
    write_depends,
    write_desc,
    write_mtree,
    write_pkginfo,
)

Compression = Literal["zst", "xz"]


def write_package(
    folder: Path,
    metadata: Metadata,
    entries: Iterable[Entry],
    *,
    install: bytes = b"",
    compression: Compression = "zst",
) -> Built:
    """Make ``folder/name-version-arch.pkg.tar.*``; ``install`` is its scriptlet."""
    entries = tuple(entries)
    installed_size = sum(len(entry.data) for entry in entries)
    described = [
        Entry(".BUILDINFO", mtime=metadata.date, data=write_buildinfo(metadata)),
        Entry(".PKGINFO", mtime=metadata.date, data=write_pkginfo(metadata, installed_size)),
    ]
    if install:
        described.insert(1, Entry(".INSTALL", mtime=metadata.date, data=install))
    mtree = Entry(".MTREE", mtime=metadata.date, data=write_mtree((*described, *entries)))
    data = _compress(_write_tar((described[0], mtree, *described[1:], *entries)), compression)
    filename = f"{metadata.name}-{metadata.version}-{metadata.arch}.pkg.tar.{compression}"
    (folder / filename).write_bytes(data)
    return Built(metadata, filename, len(data), installed_size, hashlib.sha256(data).hexdigest())


def write_database(target: Path, packages: Iterable[Built], *, apart: bool = False) -> None:
    """A sync database: a gzipped tar of ``name-version/desc``, as repo-add makes it.

    With ``apart``, dependencies are in ``name-version/depends``, as before repo-add 5; Arch Linux
    ARM's databases are so.
    """
    entries: list[Entry] = []
    for built in sorted(packages, key=lambda built: built.metadata.name):
        name = f"{built.metadata.name}-{built.metadata.version}"
        entries.append(Entry(name, "dir", 0o755, mtime=built.metadata.date))
        texts = {"desc": write_desc(built, alone=apart)}
        if apart:
            texts = {"depends": write_depends(built), **texts}
        for file, text in texts.items():
            entries.append(Entry(f"{name}/{file}", mtime=built.metadata.date, data=text))
    target.write_bytes(gzip.compress(_write_tar(entries), compresslevel=6, mtime=0))


def _write_tar(entries: Iterable[Entry]) -> bytes:
    buffer = io.BytesIO()
    first_paths: dict[str, str] = {}
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry in entries:
            member = _make_member(entry)
            if entry.inode and entry.kind == "file":
                first = first_paths.setdefault(entry.inode, entry.path)
                if first != entry.path:
                    member.type, member.linkname, member.size = tarfile.LNKTYPE, first, 0
            archive.addfile(member, io.BytesIO(entry.data))
    return buffer.getvalue()


def _make_member(entry: Entry) -> tarfile.TarInfo:
    member = tarfile.TarInfo(entry.path)
    member.mode, member.uid, member.gid = entry.mode, entry.uid, entry.gid
    member.mtime = entry.mtime
    member.uname = "root" if entry.uid == 0 else ""
    member.gname = "root" if entry.gid == 0 else ""
    if entry.kind == "dir":
        member.type = tarfile.DIRTYPE
    elif entry.kind == "link":
        member.type, member.linkname = tarfile.SYMTYPE, entry.target
    else:
        member.size = len(entry.data)
    if entry.capability:
        # Both spellings, as bsdtar writes them: each reader knows at least one.
        encoded = base64.b64encode(entry.capability).decode().rstrip("=")
        member.pax_headers = {
            "LIBARCHIVE.xattr.security.capability": encoded,
            "SCHILY.xattr.security.capability": entry.capability.decode("ascii"),
        }
    return member


def _compress(data: bytes, compression: Compression) -> bytes:
    if compression == "xz":
        return lzma.compress(data, preset=0)
    return zstandard.ZstdCompressor(level=3).compress(data)
