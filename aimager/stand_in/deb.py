"""Reading Debian binary packages without dpkg: an ``ar`` of two compressed tars (deb(5))."""

import gzip
import hashlib
import io
import lzma
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import zstandard

from aimager.errors import DownloadError
from aimager.stand_in.entry import Entry
from aimager.stand_in.relocation import relocate_path, relocate_target

_AGAIN = "remove the folder mirror.work of the cache, and run doit mirror again"


@dataclass(frozen=True)
class Control:
    """What a package says about itself."""

    name: str
    version: str
    architecture: str
    description: str
    homepage: str
    depends: tuple[tuple[str, ...], ...]
    provides: tuple[str, ...]
    conffiles: tuple[str, ...]


@dataclass(frozen=True)
class Deb:
    """A downloaded Debian package."""

    path: Path
    sha256: str
    control: Control


def read_deb(path: Path) -> Deb:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Deb(path, digest, read_control(path))


def read_control(deb: Path) -> Control:
    fields: dict[str, str] = {}
    conffiles: tuple[str, ...] = ()
    with _open_tar(deb, "control.tar") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            text = stream.read().decode() if stream else ""
            if member.name == "./control":
                fields = _parse_fields(text)
            elif member.name == "./conffiles":
                # A line may begin with a flag such as remove-on-upgrade.
                conffiles = tuple(line for line in text.split("\n") if line.startswith("/"))
    return Control(
        name=fields["Package"],
        version=fields["Version"],
        architecture=fields["Architecture"],
        description=fields.get("Description", "").split("\n")[0],
        homepage=fields.get("Homepage", ""),
        depends=_parse_relations(fields.get("Pre-Depends", ""))
        + _parse_relations(fields.get("Depends", "")),
        provides=tuple(names[0] for names in _parse_relations(fields.get("Provides", ""))),
        conffiles=conffiles,
    )


def read_entries(deb: Path) -> Iterator[Entry]:
    """The package's members at their places in Arch's layout."""
    files: dict[str, Entry] = {}
    with _open_tar(deb, "data.tar") as archive:
        for member in archive:
            path = relocate_path(member.name)
            if path is None:
                continue
            if member.issym():
                target = relocate_target(member.name, member.linkname)
                if target is not None:
                    yield Entry(path, "link", 0o777, mtime=int(member.mtime), target=target)
                continue
            if member.islnk():
                original = files[member.linkname]
                yield _copy_file(original, path)
                continue
            entry = Entry(
                path,
                "dir" if member.isdir() else "file",
                member.mode,
                member.uid,
                member.gid,
                int(member.mtime),
                data=_read_member(archive, member),
                inode=f"{deb.name}:{member.name}",
            )
            if entry.kind == "file":
                files[member.name] = entry
            yield entry


def _copy_file(original: Entry, path: str) -> Entry:
    return Entry(
        path,
        "file",
        original.mode,
        original.uid,
        original.gid,
        original.mtime,
        data=original.data,
        inode=original.inode,
    )


def _read_member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member) if member.isfile() else None
    return stream.read() if stream else b""


def _open_tar(deb: Path, name: str) -> tarfile.TarFile:
    with deb.open("rb") as file:
        if file.read(8) != b"!<arch>\n":
            raise DownloadError(f"{deb} is not a Debian package", hint=_AGAIN)
        while header := file.read(60):
            member = header[:16].decode().strip().rstrip("/")
            size = int(header[48:58])
            if member.startswith(name + "."):
                stream = _decompress(file.read(size), member.removeprefix(name + "."))
                return tarfile.open(fileobj=stream, mode="r|")
            file.seek(size + size % 2, io.SEEK_CUR)
    raise DownloadError(f"{deb} has no {name}", hint=_AGAIN)


def _decompress(data: bytes, suffix: str) -> IO[bytes]:
    stream = io.BytesIO(data)
    if suffix == "xz":
        return cast(IO[bytes], lzma.open(stream))
    if suffix == "gz":
        return cast(IO[bytes], gzip.open(stream))
    if suffix == "zst":
        return cast(IO[bytes], zstandard.ZstdDecompressor().stream_reader(stream))
    raise DownloadError(f"unknown compression of a Debian package: {suffix}", hint=_AGAIN)


def _parse_fields(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith((" ", "\t")):
            fields[name] += "\n" + line.strip()
        elif ":" in line:
            name, value = line.split(":", 1)
            fields[name] = value.strip()
    return fields


def _parse_relations(text: str) -> tuple[tuple[str, ...], ...]:
    """``a (>= 1), b:any | c`` -> ((a,), (b, c))."""
    groups = []
    for group in text.replace("\n", " ").split(","):
        names = tuple(item.split("(")[0].strip().split(":")[0] for item in group.split("|"))
        if names[0]:
            groups.append(names)
    return tuple(groups)
