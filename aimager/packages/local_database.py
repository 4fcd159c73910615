"""pacman's local database: what an installed root says of its packages."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import PurePath

from aimager.errors import ImageError
from aimager.model.lock import LockedPackage
from aimager.packages.database_entry import read_fields, read_number, split_entry
from aimager.sandbox.tree import Tree, shown

LOCAL = "var/lib/pacman/local"


@dataclass(frozen=True)
class InstalledPackage:
    """The fields of a package's ``desc`` (libalpm's be_local.c), as far as we need them.

    ``url``, ``packager`` and ``architecture`` are empty where the package names none.
    ``build_date`` is in seconds since the epoch.
    """

    name: str
    version: str
    url: str
    packager: str
    licenses: tuple[str, ...]
    depends: tuple[str, ...]
    provides: tuple[str, ...]
    architecture: str = ""
    build_date: int = 0

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def read_local_database(tree: Tree) -> dict[str, InstalledPackage]:
    """The packages that are installed in ``tree``, by name.

    :raises ImageError: when a package's record is damaged
    """
    found = {}
    for path in tree.glob(f"{LOCAL}/*/desc"):
        try:
            package = read_record(tree.read_bytes(path))
        except (LookupError, ValueError) as error:
            raise ImageError(
                f"{shown(path)} of the image is damaged: {error}",
                hint="a package, or what it ran, has changed it: the log of install-packages"
                " has what each said",
            ) from error
        found[package.name] = package
    return found


def read_record(desc: bytes) -> InstalledPackage:
    """The package that a ``desc`` tells of.

    A packager may have written names and descriptions in another encoding than UTF-8, in which
    pacman takes them as they are; here such bytes become U+FFFD.

    :raises LookupError: when it lacks name or version
    :raises ValueError: when its time is not a number
    """
    fields = read_fields(desc.decode(errors="replace"))
    return InstalledPackage(
        name=fields["NAME"][0],
        version=fields["VERSION"][0],
        url=next(iter(fields.get("URL", ())), ""),
        packager=next(iter(fields.get("PACKAGER", ())), ""),
        licenses=tuple(fields.get("LICENSE", ())),
        depends=tuple(fields.get("DEPENDS", ())),
        provides=tuple(fields.get("PROVIDES", ())),
        architecture=next(iter(fields.get("ARCH", ())), ""),
        build_date=read_number(fields, "BUILDDATE", "0"),
    )


def read_file_lists(tree: Tree) -> Iterator[tuple[str, str]]:
    """Each package's name with each path that it has, a folder's ending with a slash."""
    for files in tree.glob(f"{LOCAL}/*/files"):
        package = package_of(files)
        # What else a list has comes after an empty line (be_local.c).
        listed = tree.read_text(files).partition("%FILES%\n")[2].partition("\n\n")[0]
        yield from ((package, path) for path in listed.split("\n"))


def package_of(record: str) -> str:
    """The name of the package that a file in the database, such as a ``desc``, is of."""
    return split_entry(PurePath(record).parent.name)[0]


def settle_records(tree: Tree, epoch: int, signed: Collection[LockedPackage] = ()) -> None:
    """Let every package of ``tree`` be installed at ``epoch``, and drop what was downloaded.

    pacman writes the wall clock's time, but for versions later than 7.1.0. Of those that were
    ``signed`` and verified, it writes that they were, if it has done so itself.
    """
    names = {f"{package.name}-{package.version}" for package in signed}
    for desc in tree.glob(f"{LOCAL}/*/desc"):
        text = re.sub(r"(?<=%INSTALLDATE%\n)\d+", str(epoch), tree.read_text(desc))
        if PurePath(desc).parent.name in names:
            text = re.sub(r"(?<=%VALIDATION%\n)none$", "pgp", text, flags=re.MULTILINE)
        tree.write(desc, text)
    for folder in ("var/lib/pacman/sync", "var/cache/pacman/pkg"):
        for name in tree.names(folder):
            tree.remove(f"{folder}/{name}")
