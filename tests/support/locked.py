"""Packages for the tests, databases of them, and a workshop to put them in."""

import dataclasses
import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

from aimager.model.lock import LockedPackage
from aimager.model.workshop import Workshop


def make_package(name: str, **changes: Any) -> LockedPackage:
    """A package of this name; ``changes`` are fields that matter to the test."""
    package = LockedPackage(
        name=name,
        version="1.0-1",
        architecture="x86_64",
        repository="core",
        file=f"{name}-1.0-1-x86_64.pkg.tar.zst",
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        size=1000,
        installed_size=3000,
        build_date=1_700_000_000,
    )
    return dataclasses.replace(package, **changes)


def make_file(name: str, content: bytes, **changes: Any) -> LockedPackage:
    """A package whose file has this content."""
    sha256 = hashlib.sha256(content).hexdigest()
    return make_package(name, size=len(content), sha256=sha256, **changes)


def make_database(*packages: LockedPackage) -> bytes:
    """A repository's database of these packages."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for package in packages:
            fields = {
                "FILENAME": package.file,
                "NAME": package.name,
                "VERSION": package.version,
                "CSIZE": package.size,
                "ISIZE": package.installed_size,
                "SHA256SUM": package.sha256,
                "ARCH": package.architecture,
                "BUILDDATE": package.build_date,
            }
            data = "".join(f"%{key}%\n{value}\n\n" for key, value in fields.items()).encode()
            member = tarfile.TarInfo(f"{package.name}-{package.version}/desc")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return content.getvalue()


def make_workshop(folder: Path) -> Workshop:
    """A stage's folders below ``folder``."""
    return Workshop(folder, folder / "work", folder / "pkg", folder / "log")
