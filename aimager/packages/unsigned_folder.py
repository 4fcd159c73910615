"""A folder of packages that nobody signed: what is in it, as a repository before all others."""

from collections.abc import Iterator, Sequence
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


def make_database(folder: Path, architectures: Sequence[str] = ()) -> bytes:
    """A sync database of the packages in ``folder``, as repo-add makes one.

    Of those that are neither of ``architectures`` nor of any, none is taken; an empty sequence
    takes all.

    :raises ConfigError: when it has no packages, a damaged one, or two of one name
    """
    files = sorted(path for path in folder.glob("*.pkg.tar*") if path.name.endswith(_SUFFIXES))
    if not files:
        raise ConfigError(
            f"the folder {folder} has no packages",
            hint="packages=FOLDER names one with files NAME.pkg.tar.zst, as makepkg makes them",
        )
    members: dict[str, tuple[str, bytes]] = {}
    others = list[str]()
    for path in files:
        fields = dict(_read(path))
        name, built_for = fields["NAME"][0], fields["ARCH"][0]
        if architectures and built_for not in (*architectures, "any"):
            others.append(f"{path.name} is for {built_for}")
            continue
        if name in members:
            raise ConfigError(
                f"the folder {folder} has two packages {name}", hint="leave the newer one there"
            )
        blocks = (f"%{key}%\n" + "\n".join(values) + "\n" for key, values in fields.items())
        members[name] = (f"{name}-{fields['VERSION'][0]}/desc", "\n".join(blocks).encode())
    if not members:
        raise ConfigError(
            f"the folder {folder} has no packages for {' or '.join(architectures)}: {others[0]}",
            hint="packages= takes packages of the build's architecture, and of any",
        )
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
        info = members[_INFO].decode(errors="replace")
    except (ImageError, KeyError) as error:
        raise ConfigError(f"{path} is not a package", hint="makepkg makes packages") from error
    found: dict[str, list[str]] = {}
    for line in info.splitlines():
        key, equals, value = line.partition(" = ")
        if equals and key in _FIELDS:
            found.setdefault(_FIELDS[key], []).append(value.strip())
    for key in ("pkgname", "pkgver", "arch"):
        if _FIELDS[key] not in found:
            raise ConfigError(
                f"the {_INFO} of the package {path} does not tell its {key}",
                hint="makepkg makes packages",
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
