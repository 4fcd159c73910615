"""A folder of packages that nobody signed: what is in it, as a repository before all others."""

from collections.abc import Iterator
from pathlib import Path

from aimager import limits
from aimager.archive import pack_members, read_members
from aimager.errors import ConfigError, ImageError
from aimager.files import sha256
from aimager.model.lock import LockedPackage

_INFO = ".PKGINFO"
_SUFFIXES = (".pkg.tar", ".pkg.tar.zst", ".pkg.tar.xz", ".pkg.tar.gz", ".pkg.tar.bz2")
_FIELDS = {
    "pkgname": "NAME",
    "pkgver": "VERSION",
    "arch": "ARCH",
    "size": "ISIZE",
    "builddate": "BUILDDATE",
    "depend": "DEPENDS",
    "provides": "PROVIDES",
    "group": "GROUPS",
    "conflict": "CONFLICTS",
    "replaces": "REPLACES",
}
"""PKGINFO(5)'s keys, and what repo-add calls them."""


def make_database(folder: Path) -> bytes:
    """A sync database of all packages in ``folder``, as repo-add makes one.

    :raises ConfigError: when it has no packages, a damaged one, or two of one name
    """
    files = sorted(path for path in folder.glob("*.pkg.tar*") if path.name.endswith(_SUFFIXES))
    if not files:
        raise ConfigError(
            f"the folder {folder} has no packages",
            hint="packages=FOLDER names one with files NAME.pkg.tar.zst, as makepkg makes them",
        )
    members: dict[str, tuple[str, bytes]] = {}
    for path in files:
        fields = dict(_read(path))
        name = fields["NAME"][0]
        if name in members:
            raise ConfigError(
                f"the folder {folder} has two packages {name}", hint="leave the newer one there"
            )
        blocks = (f"%{key}%\n" + "\n".join(values) + "\n" for key, values in fields.items())
        members[name] = (f"{name}-{fields['VERSION'][0]}/desc", "\n".join(blocks).encode())
    return pack_members(members.values())


def _read(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The fields of a package's entry."""
    if not path.is_file():  # a pipe or a device may have no end
        raise ConfigError(f"{path} is not a package, and no file", hint="makepkg makes packages")
    try:
        members = read_members(
            path,
            lambda name: name == _INFO,
            limit=limits.PACKAGE_INFO,
            unpacked=limits.PACKAGE_UNPACKED,
        )
        info = members[_INFO].decode()
    except (ImageError, KeyError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not a package", hint="makepkg makes packages") from error
    found: dict[str, list[str]] = {}
    for line in info.splitlines():
        key, equals, value = line.partition(" = ")
        if equals and key in _FIELDS:
            found.setdefault(_FIELDS[key], []).append(value.strip())
    missing = {"NAME", "VERSION", "ARCH", "ISIZE", "BUILDDATE"} - found.keys()
    if missing:
        raise ConfigError(
            f"the package {path} lacks its {sorted(missing)[0]}",
            hint="makepkg makes packages that have it",
        )
    yield "FILENAME", [path.name]
    yield "CSIZE", [str(path.stat().st_size)]
    yield "SHA256SUM", [sha256(path)]
    yield from found.items()


def find(folder: Path, package: LockedPackage) -> Path:
    """The file of ``package`` in ``folder``, which is the one that was locked.

    :raises ConfigError: when it is not there, or is another one
    """
    path = folder / package.file
    if not path.is_file() or sha256(path) != package.sha256:
        raise ConfigError(
            f"the folder {folder} does not have the package {package} that is locked",
            hint=f"it is the file {package.file} with the SHA-256 {package.sha256}",
        )
    return path
