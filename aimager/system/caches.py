"""What programs of packages make as they are installed, and would make otherwise the next time.

Caches hold times, inodes and orders of the machine that they were made on. What a system makes anew
by itself is removed, and what does not depend on an order is put into one. What packages own stays.
"""

import stat
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

_MIME = ("usr/share/applications/mimeinfo.cache", "usr/local/share/applications/mimeinfo.cache")
_COMPILED = ("usr", "opt")


def settle_caches(tree: Tree) -> None:
    """Remove or put in order the caches of ``tree`` that came in no package."""
    owned = {path.rstrip("/") for _, path in read_file_lists(tree)}
    for pattern in REMOVED:
        for path in tree.glob(pattern):
            if path not in owned:
                tree.remove(path)
    for path in _compiled(tree):
        if path not in owned:
            tree.remove(path)
    for path in _MIME:
        status = tree.lstat(path)
        if status and stat.S_ISREG(status.st_mode) and path not in owned:
            _sort_mime(tree, path)


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
