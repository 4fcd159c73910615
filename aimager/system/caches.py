"""What programs of packages make as they are installed, and would make otherwise the next time.

Caches hold times, inodes and orders of the machine that they were made on. What a system makes anew
by itself is removed, and what does not depend on an order is put into one. What packages own stays,
and so does what the user gave: an archive to start from, overlays and files.
"""

import stat
from collections.abc import Collection
from pathlib import PurePath

from aimager.packages.local_database import read_file_lists
from aimager.sandbox.tree import Tree

REMOVED = {
    "var/cache/man/*": "man-db.timer, which its package enables",
    "var/cache/swcatalog/*": "AppStream, for each user where the system has none",
    "var/cache/app-info/*": "AppStream before its version 0.16",
    "root/.cache": "what root runs",
    "var/tmp/*": "nothing, for it is temporary (file-hierarchy(7))",
}
"""Shell wildcards of what comes back by itself, and by whom."""

_OF_ANYBODY = ("root/.cache", "var/tmp/*")
"""Where scripts of the user may put what is to stay."""

_MIME = ("usr/share/applications/mimeinfo.cache", "usr/local/share/applications/mimeinfo.cache")
_COMPILED = ("usr", "opt")


def find_caches(tree: Tree, patterns: Collection[str] = tuple(REMOVED)) -> frozenset[str]:
    """The files of ``tree`` that are caches, but for those that are put in order."""
    found = set(_compiled(tree))
    for pattern in patterns:
        for path in tree.glob(pattern):
            found |= {path, *_below(tree, path)}
    return frozenset(found)


def settle_caches(tree: Tree, given: Collection[str] = (), *, scripts: bool = False) -> None:
    """Remove or put in order the caches of ``tree`` that came in no package and are not ``given``.

    After the user's ``scripts``, what they leave where anybody may leave something stays, too.
    """
    patterns = [p for p in REMOVED if not (scripts and p in _OF_ANYBODY)]
    spared = {path.rstrip("/") for _, path in read_file_lists(tree)} | set(given)
    spared |= {str(folder) for path in given for folder in PurePath(path).parents}
    for path in sorted(find_caches(tree, patterns) - spared):
        if tree.lstat(path):  # not gone with its folder
            tree.remove(path)
    for path in _MIME:
        status = tree.lstat(path)
        if status and stat.S_ISREG(status.st_mode) and path not in spared:
            _sort_mime(tree, path)


def _below(tree: Tree, path: str) -> list[str]:
    status = tree.lstat(path)
    is_folder = status is not None and stat.S_ISDIR(status.st_mode)
    return [f"{path}/{below}" for below, _ in tree.walk(path)] if is_folder else []


def _compiled(tree: Tree) -> list[str]:
    """The modules that Python compiled, which it does again where they are missing (PEP 3147)."""
    return [
        f"{folder}/{below}"
        for folder in _COMPILED
        if (status := tree.lstat(folder)) and stat.S_ISDIR(status.st_mode)
        for below, what in tree.walk(folder)
        if stat.S_ISREG(what.st_mode)
        and below.endswith(".pyc")
        and PurePath(below).parent.name == "__pycache__"
    ]


def _sort_mime(tree: Tree, path: str) -> None:
    """Put the types in order, and each type's programs, which are listed as readdir(3) has them.

    Which one opens a file is what mimeapps.list says; no order here is anybody's choice.
    """
    before = tree.read_text(path)
    head, *lines = before.rstrip("\n").split("\n")
    if head != "[MIME Cache]" or not all("=" in line for line in lines):
        return
    made = []
    for line in sorted(lines):
        kind, _, programs = line.partition("=")
        made.append(f"{kind}={';'.join(sorted(filter(None, programs.split(';'))))};")
    after = "".join(f"{line}\n" for line in (head, *made))
    if after != before:
        tree.write(path, after)
