"""What no two machines may share, removed from a root before it is archived, or told."""

import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import PurePath

from aimager import progress
from aimager.packages.local_database import LOCAL, read_file_lists
from aimager.sandbox.tree import Tree, shown
from aimager.system.machine_identity import KEPT, MADE_ANEW, PRIVATE_KEY, TRACES

_KEY = re.compile(PRIVATE_KEY, re.MULTILINE)
_LARGEST_KEY = 64 << 10


def find_identity(tree: Tree) -> frozenset[str]:
    """The paths in ``tree`` of what a first boot makes anew."""
    return frozenset(path for pattern in MADE_ANEW for path in tree.glob(pattern))


def remove_identity(tree: Tree, given: Iterable[str] = ()) -> None:
    """Remove every secret, id and seed from ``tree``, and the traces of the build.

    What is ``given`` by the user, by path, is meant to be in each of the images, and stays.
    """
    for path in find_identity(tree) - frozenset(given):
        tree.remove(path)
    remove_traces(tree)


def remove_traces(tree: Tree) -> None:
    """Remove what a build leaves in ``tree``, which differs from one to the next."""
    for pattern in TRACES:
        for path in tree.glob(pattern):
            tree.remove(path)


def empty_logs(tree: Tree) -> None:
    """Empty the logs of ``tree``, which may have run elsewhere."""
    for below, status in tree.walk("var/log") if tree.is_dir("var/log") else ():
        if stat.S_ISREG(status.st_mode) and status.st_size:
            tree.write(f"var/log/{below}", b"")


def tell_secrets(tree: Tree) -> None:
    """Name the secrets in ``tree`` that came in no package, but by what packages run; they stay.

    They are not removed, for nothing would make them anew, nor refused: a service may need its key
    to start at all, and an image may be for one machine alone.
    """
    for path, package in find_secrets(tree):
        whose = f" (it lies in a folder of {shown(package)[1:]})" if package else ""
        secret = f"the secret {shown(path)} came in no package{whose}"
        progress.say(f"   {secret}: every image has the same one")


def find_secrets(tree: Tree) -> Iterator[tuple[str, str]]:
    """The secrets in ``tree`` that came in no package, with the package they are probably of.

    That is the one that has the folder, or the next above it, if it has it alone.
    """
    owners = _owners(tree)
    known = {path for pattern in KEPT for path in tree.glob(pattern)}
    small = sorted(
        path
        for path, status in tree.walk()
        if stat.S_ISREG(status.st_mode) and 0 < status.st_size <= _LARGEST_KEY
        if path not in owners and not path.startswith(f"{LOCAL}/")
    )
    for path in small:
        if path in known or _KEY.search(tree.read_bytes(path)):
            yield path, _package_of(path, owners)


def _owners(tree: Tree) -> dict[str, str]:
    """The package that has each path, a folder's ending with a slash; empty: several have it."""
    owners: dict[str, str] = {}
    for package, path in read_file_lists(tree):
        owners[path] = "" if path in owners else package
    return owners


def _package_of(path: str, owners: dict[str, str]) -> str:
    folders = (f"{folder}/" for folder in PurePath(path).parents)
    return next((owners[folder] for folder in folders if folder in owners), "")
