"""Root archives that nobody has built, to start from or to be refused."""

import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

LOCAL = "var/lib/pacman/local"


def record(
    name: str,
    version: str = "1.0-1",
    arch: str = "x86_64",
    depends: Iterable[str] = (),
    date: int = 9,
) -> dict[str, bytes]:
    """The files of a package in pacman's local database, by their paths in the root."""
    fields = {"NAME": name, "VERSION": version, "ARCH": arch, "BUILDDATE": str(date)}
    fields |= {"DEPENDS": "\n".join(depends)} if depends else {}
    desc = "".join(f"%{field}%\n{value}\n\n" for field, value in fields.items())
    folder = f"{LOCAL}/{name}-{version}"
    return {f"{folder}/desc": desc.encode(), f"{folder}/files": b"%FILES%\n\n"}


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A member that is not a regular file."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def write_archive(
    path: Path, files: Mapping[str, bytes], members: Iterable[tarfile.TarInfo] = ()
) -> Path:
    """Make ``path``, or append to it where it is there, with these files and other members."""
    with tarfile.open(path, "a") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in members:
            archive.addfile(member)
    return path
