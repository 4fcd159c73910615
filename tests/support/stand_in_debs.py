"""Small Debian packages for the tests of the stand-in mirror."""

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from aimager.stand_in.deb import Deb, read_deb


def make_deb(
    folder: Path, name: str, files: Mapping[str, bytes] | None = None, depends: str = ""
) -> Deb:
    """A package of this name with these files (deb(5))."""
    control = f"Package: {name}\nVersion: 1-1\nArchitecture: all\nDepends: {depends}\n"
    parts = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": _tar({"control": control.encode()}),
        "data.tar.gz": _tar(files or {}),
    }
    data = b"!<arch>\n"
    for member, content in parts.items():
        data += f"{member:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
        data += content + b"\n" * (len(content) % 2)
    path = folder / f"{name}.deb"
    path.write_bytes(data)
    return read_deb(path)


def _tar(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)
