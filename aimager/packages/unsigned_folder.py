"""Packages that nobody signed, in folders and files: what they are, as a repository before all."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from aimager import limits
from aimager.archive import pack_members
from aimager.errors import ConfigError, ImageError
from aimager.files import sha256
from aimager.model.lock import LockedPackage
from aimager.package_files import read_members
from aimager.packages.foreign_packages import is_taken
from aimager.packages.targets import SUFFIXES

READ_ANEW = "packages of your own are read at every build"
"""Why nothing that is made of them is kept."""

_INFO = ".PKGINFO"
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


def make_database(own: Sequence[Path], architectures: Sequence[str] = ()) -> bytes:
    """A sync database of the packages ``own``, files and what is in folders, as of repo-add.

    Of a folder's that are neither of ``architectures`` nor of any, none is taken; an empty
    sequence takes all.

    :raises ConfigError: when there are none, or a damaged one, or two of one name, or a file is for
        another architecture
    """
    members: dict[str, tuple[str, bytes]] = {}
    paths, others = dict[str, Path](), list[str]()
    for path, is_named in _packages(own).items():
        fields = dict(_read(path))
        name, built_for = fields["NAME"][0], fields["ARCH"][0]
        if architectures and not is_taken(built_for, architectures):
            if is_named:
                raise ConfigError(
                    f"the package {path.name} is for {built_for}, and the build for"
                    f" {' '.join(architectures)}",
                    hint="name a package of the build's architecture, or of any",
                )
            others.append(f"{path.name} is for {built_for}")
            continue
        if name in paths:
            raise ConfigError(
                f"{paths[name]} and {path} are both packages {name}, the second for {built_for}",
                hint="leave out one of them: the older, or what is for another architecture",
            )
        blocks = (f"%{key}%\n" + "\n".join(values) + "\n" for key, values in fields.items())
        members[name] = (f"{name}-{fields['VERSION'][0]}/desc", "\n".join(blocks).encode())
        paths[name] = path
    if not members:
        raise ConfigError(
            f"the folder {own[0]} has no packages for {' or '.join(architectures)}: {others[0]}",
            hint="packages= takes packages of the build's architecture, and of any",
        )
    return pack_members(members.values())


def _packages(own: Sequence[Path]) -> dict[Path, bool]:
    """The files of packages, in order, and whether they were named themselves.

    :raises ConfigError: when a folder has none
    """
    found, seen = dict[Path, bool](), set[Path]()
    for place in own:
        is_named = not place.is_dir()
        files = [place] if is_named else _of_folder(place)
        for path in files:
            if path.resolve() not in seen:
                found[path] = is_named
            seen.add(path.resolve())
    return found


def _of_folder(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIXES))
    if not files:
        raise ConfigError(
            f"the folder {folder} has no packages",
            hint="packages=FOLDER names one with files NAME.pkg.tar.zst, as makepkg makes them",
        )
    return files


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
            by_content=True,
        )
        info = members[_INFO].decode(errors="replace")
    except (ImageError, KeyError) as error:
        raise ConfigError(f"{path} is not a package", hint="makepkg makes packages") from error
    found: dict[str, list[str]] = {}
    for line in info.split("\n"):
        key, equals, value = line.partition(" = ")
        if equals and key in _FIELDS:
            found.setdefault(_FIELDS[key], []).append(value.strip())
    found.setdefault(_FIELDS["arch"], ["any"])  # as libalpm takes one that tells none
    for key in ("pkgname", "pkgver"):
        if _FIELDS[key] not in found:
            raise ConfigError(
                f"the {_INFO} of the package {path} does not tell its {key}",
                hint="makepkg makes packages",
            )
    yield "FILENAME", [path.name]
    yield "CSIZE", [str(path.stat().st_size)]
    yield "SHA256SUM", [sha256(path)]
    yield from found.items()


def find(own: Sequence[Path], package: LockedPackage) -> Path:
    """The file of ``package`` among ``own``, which is the one that was locked.

    :raises ConfigError: when it is not there, or is another one
    """
    for place in own:
        path = place / package.file if place.is_dir() else place
        if path.name == package.file and path.is_file() and sha256(path) == package.sha256:
            return path
    places = ", ".join(map(str, own))
    raise ConfigError(
        f"{places} does not have the package {package} that is locked",
        hint=f"it is the file {package.file} with the SHA-256 {package.sha256}",
    )
