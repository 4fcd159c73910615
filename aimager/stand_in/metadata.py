"""What pacman reads about a package: .PKGINFO, .BUILDINFO, .MTREE and the database's desc.

The formats are those of makepkg and repo-add (PKGINFO(5), BUILDINFO(5), mtree(5)).
"""

import gzip
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aimager.stand_in.entry import Entry

_PACKAGER = "aimager stand-in <stand-in@localhost>"


@dataclass(frozen=True)
class Metadata:
    """A package's name, relations and date, in pacman's words."""

    name: str
    version: str
    arch: str
    description: str
    url: str
    date: int
    license: str = "custom"
    depends: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    backup: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Built:
    """A finished package, as the sync database describes it."""

    metadata: Metadata
    filename: str
    compressed_size: int
    installed_size: int
    sha256: str


def translate_version(version: str) -> str:
    """A Debian version as pacman's ``[epoch:]pkgver-pkgrel``.

    pkgver may hold no dash, and ``~`` has no meaning for vercmp; pkgrel is kept to numbers.
    """
    epoch, colon, rest = version.rpartition(":")
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, "1"
    upstream = re.sub(r"[^A-Za-z0-9.+_]", ".", upstream)
    release = ".".join(re.findall(r"\d+", revision)) or "1"
    return f"{epoch}{colon}{upstream}-{release}"


def write_pkginfo(metadata: Metadata, size: int) -> bytes:
    lines: list[tuple[str, str | int]] = [
        ("pkgname", metadata.name),
        ("pkgbase", metadata.name),
        ("xdata", "pkgtype=pkg"),
        ("pkgver", metadata.version),
        ("pkgdesc", metadata.description),
        ("url", metadata.url),
        ("builddate", metadata.date),
        ("packager", _PACKAGER),
        ("size", size),
        ("arch", metadata.arch),
        ("license", metadata.license),
    ]
    for key, values in (
        ("replaces", metadata.replaces),
        ("group", metadata.groups),
        ("conflict", metadata.conflicts),
        ("provides", metadata.provides),
        ("backup", metadata.backup),
        ("depend", metadata.depends),
        ("optdepend", metadata.optional),
    ):
        lines += [(key, value) for value in values]
    return "".join(f"{key} = {value}\n" for key, value in lines).encode()


def write_buildinfo(metadata: Metadata) -> bytes:
    lines = {
        "format": 2,
        "pkgname": metadata.name,
        "pkgbase": metadata.name,
        "pkgver": metadata.version,
        "pkgarch": metadata.arch,
        "packager": _PACKAGER,
        "builddate": metadata.date,
        "builddir": "/build",
        "buildtool": "aimager-stand-in",
    }
    return "".join(f"{key} = {value}\n" for key, value in lines.items()).encode()


def write_mtree(entries: Iterable[Entry]) -> bytes:
    lines = ["#mtree", "/set type=file uid=0 gid=0 mode=644"]
    for entry in entries:
        words = [f"./{quote_mtree(entry.path)}", f"time={entry.mtime}.0"]
        if entry.uid or entry.gid:
            words += [f"uid={entry.uid}", f"gid={entry.gid}"]
        if entry.mode != 0o644:
            words.append(f"mode={entry.mode:o}")
        if entry.kind == "file":
            words.append(f"size={len(entry.data)}")
            words.append(f"sha256digest={hashlib.sha256(entry.data).hexdigest()}")
        elif entry.kind == "dir":
            words.append("type=dir")
        else:
            words += ["type=link", f"link={quote_mtree(entry.target)}"]
        lines.append(" ".join(words))
    return gzip.compress("\n".join([*lines, ""]).encode(), mtime=0)


def quote_mtree(path: str) -> str:
    """Octal escapes for all that is not plain printable ASCII."""
    return "".join(
        chr(byte) if 33 <= byte <= 126 and byte not in b"\\#=" else f"\\{byte:03o}"
        for byte in path.encode()
    )


def write_desc(built: Built, *, alone: bool = False) -> bytes:
    """An entry's ``desc``: all of it, or what is not in `write_depends`, if that is ``alone``."""
    metadata = built.metadata
    fields: list[tuple[str, Sequence[str | int]]] = [
        ("FILENAME", [built.filename]),
        ("NAME", [metadata.name]),
        ("BASE", [metadata.name]),
        ("VERSION", [metadata.version]),
        ("DESC", [metadata.description]),
        ("GROUPS", metadata.groups),
        ("CSIZE", [built.compressed_size]),
        ("ISIZE", [built.installed_size]),
        ("SHA256SUM", [built.sha256]),
        ("URL", [metadata.url] if metadata.url else []),
        ("LICENSE", [metadata.license]),
        ("ARCH", [metadata.arch]),
        ("BUILDDATE", [metadata.date]),
        ("PACKAGER", [_PACKAGER]),
        ("REPLACES", metadata.replaces),
    ]
    text = _write_fields(fields)
    return text if alone else text + write_depends(built)


def write_depends(built: Built) -> bytes:
    """What an entry says of other packages: the end of its ``desc``, or a file of its own."""
    metadata = built.metadata
    return _write_fields(
        [
            ("CONFLICTS", metadata.conflicts),
            ("PROVIDES", metadata.provides),
            ("DEPENDS", metadata.depends),
            ("OPTDEPENDS", metadata.optional),
        ]
    )


def _write_fields(fields: Iterable[tuple[str, Sequence[str | int]]]) -> bytes:
    text = "".join(
        f"%{key}%\n" + "".join(f"{value}\n" for value in values) + "\n"
        for key, values in fields
        if values
    )
    return text.encode()
