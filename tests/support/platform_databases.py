"""Sync databases and a mirror of them for the tests of the stages that read them."""

import gzip
import hashlib
import tarfile
from pathlib import Path

from aimager.distros.archlinux import DISTRO
from aimager.model.architecture import Architecture
from aimager.model.distro import Platform
from aimager.model.workshop import Workshop
from aimager.packages.database_archive import KeptDatabase, fill_archive
from tests.packages.test_sync_database import desc_text, tar_of

PLATFORM = Platform(DISTRO, Architecture.x86_64)


def workshop(folder: Path) -> Workshop:
    """The folders of a cache."""
    cache = folder / "cache"
    cache.mkdir(exist_ok=True)
    return Workshop(cache, cache / "work/run/stage", cache / "pkg", cache / "log/stage.log")


def package(
    name: str,
    *depends: str,
    version: str = "1-1",
    content: bytes = b"x",
    provides: tuple[str, ...] = (),
    groups: tuple[str, ...] = (),
    arch: str = "x86_64",
) -> str:
    """What a database tells of a package; ``content`` is that of its file."""
    return desc_text(
        NAME=[name],
        VERSION=[version],
        FILENAME=[f"{name}-{version}-{arch}.pkg.tar.zst"],
        ARCH=[arch],
        DEPENDS=list(depends),
        PROVIDES=[f"{name}-provided", *provides],
        GROUPS=list(groups),
        CSIZE=[str(len(content))],
        SHA256SUM=[hashlib.sha256(content).hexdigest()],
    )


def write(path: Path, **packages: str) -> Path:
    """Databases of these packages, all of core."""
    return write_all(path, core=tar_of(**packages))


def write_all(path: Path, **databases: bytes) -> Path:
    """An archive of these databases."""
    path.parent.mkdir(parents=True, exist_ok=True)
    files = [KeptDatabase(name, path.with_name(f"{name}.db")) for name in databases]
    for file, data in zip(files, databases.values(), strict=True):
        file.path.write_bytes(data)
    fill_archive(files, path)
    return path


def site_of(**extra: str) -> dict[str, bytes]:
    """A mirror's files: pacman is in core, ``extra`` are the packages of the other repository."""
    path = f"/{DISTRO.mirrors.path}".replace("$arch", "x86_64")
    core, other = (path.replace("$repo", name).rstrip("/") for name in ("core", "extra"))
    return {
        f"{core}/core.db": gzip.compress(tar_of(pacman=package("pacman"))),
        f"{other}/extra.db": gzip.compress(tar_of(**extra)),
    }


def names_in(archive: Path) -> tuple[str, ...]:
    """The repositories whose databases are in an archive, in its order."""
    with tarfile.open(archive) as members:
        return tuple(name.removesuffix(".db") for name in members.getnames())
