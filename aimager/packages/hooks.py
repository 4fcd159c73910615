"""The hooks of a root: from which folders pacman takes them, and what each of them is.

As alpm-hooks(5) and pacman.conf(5) have it: of hooks of one name the one in the later folder is
taken, and one without a trigger, such as a link to /dev/null, only masks others.
"""

import os
import posixpath
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from aimager.packages.local_database import read_file_lists
from aimager.packages.repository_sections import read_settings, words
from aimager.sandbox.chroot import IMAGE
from aimager.sandbox.tree import Tree

SYSTEM = "usr/share/libalpm/hooks"
"""Of packages; pacman looks there first, whatever its configuration says."""

_USUAL = "etc/pacman.d/hooks"
"""HOOKDIR, where pacman.conf names no other."""

_CONF = "etc/pacman.conf"
_RAN = re.compile(r"^\[[^\]]*\] \[ALPM\] running '(.+)'\.\.\.$", re.MULTILINE)
"""What libalpm's hook.c writes to the log; what hooks say has another mark there."""

_DEALT_WITH = re.compile(
    r"^\[[^\]]*\] \[ALPM\] (?:installed|upgraded|reinstalled|downgraded|removed) (\S+) \(",
    re.MULTILINE,
)
"""The same of its add.c and remove.c."""


@dataclass(frozen=True)
class Hook:
    """A hook by its file's ``name``, with ``path`` in the root; None: it is one of ours.

    ``title`` is what pacman calls it when it runs it: its description, or its name. Of several
    lines of one key that takes one value, the last counts, as libalpm's hook.c warns.
    """

    name: str
    path: str | None
    text: str

    @property
    def title(self) -> str:
        return next(reversed(self._values("Description")), self.name)

    @property
    def runs(self) -> str:
        """The command."""
        return next(reversed(self._values("Exec")), "")

    @property
    def depends(self) -> list[str]:
        """The packages without which it is not run."""
        return self._values("Depends")

    @property
    def aborts(self) -> bool:
        """Whether nothing is installed if it fails."""
        return bool(re.search(r"^\s*AbortOnFail\s*(?:=.*)?$", self.text, re.MULTILINE))

    def _values(self, key: str) -> list[str]:
        found = re.findall(rf"^[ \t]*{key}[ \t]*=[ \t]*(.+?)[ \t]*$", self.text, re.MULTILINE)
        return list(found)


def hook_folders(tree: Tree) -> tuple[str, ...]:
    """The folders in ``tree`` that its own pacman takes hooks from, the one that counts last."""
    named = (posixpath.normpath(f"/{folder}") for folder in _options(tree, _CONF, "HookDir"))
    folders = [folder.lstrip("/") for folder in named] or [_USUAL]
    return tuple(dict.fromkeys((SYSTEM, *(_real(tree, folder) for folder in folders))))


def _options(tree: Tree, conf: str, key: str) -> list[str]:
    """The values of an option that may be given repeatedly, of each file that is included."""
    values: list[str] = []
    for section, name, value in read_settings(tree, conf):
        if section == "options" and name == key:
            values += words(value)
    return values


def _real(tree: Tree, folder: str) -> str:
    """Where a folder lies, its links followed as after chroot(2); itself, if it is not there."""
    if not tree.is_dir(folder):
        return folder
    with tree.folder(folder) as descriptor:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
    top = tree.path.resolve()
    return str(path.relative_to(top)) if path.is_relative_to(top) else folder


def places(folders: Iterable[str]) -> list[str]:
    """Where a pacman that is not the root's own finds ``folders``, but for `SYSTEM`."""
    return [f"{IMAGE}/{folder}/" for folder in folders if folder != SYSTEM]


def copy_links(tree: Tree, folders: Sequence[str], own: Tree) -> None:
    """Have in ``own`` what hooks are that are links, for those lead elsewhere out of the root.

    Those to what is no file of the root, as /dev/null is, stay what they are.
    """
    taken = {PurePath(path).name: path for path in _paths(tree, folders)}
    for name, path in taken.items():
        if _is_link(tree, path) and tree.is_file(path):
            own.write(name, tree.read_bytes(path))


def unseen_links(tree: Tree, folders: Sequence[str], own: Tree) -> list[str]:
    """The names of hooks that are links to files of the root, and were not copied to ``own``."""
    taken = {PurePath(path).name: path for path in _paths(tree, folders)}
    return [
        name
        for name, path in taken.items()
        if not own.lstat(name) and _is_absolute_link(tree, path) and tree.is_file(path)
    ]


def _paths(tree: Tree, folders: Sequence[str]) -> Iterator[str]:
    for folder in folders:
        yield from (f"{folder}/{n}" for n in tree.names(folder) if n.endswith(".hook"))


def _is_link(tree: Tree, path: str) -> bool:
    status = tree.lstat(path)
    return status is not None and stat.S_ISLNK(status.st_mode)


def _is_absolute_link(tree: Tree, path: str) -> bool:
    if not _is_link(tree, path):
        return False
    folder, name = posixpath.split(path)
    with tree.folder(folder) as descriptor:
        return os.readlink(name, dir_fd=descriptor).startswith("/")


def read_hooks(tree: Tree, folders: Sequence[str], own: Tree) -> dict[str, Hook]:
    """The hooks that are taken, by name; those in ``own`` come last."""
    hooks = {}
    for path in _paths(tree, folders):
        text = _read(tree, path) if tree.is_file(path) else ""
        hooks[PurePath(path).name] = Hook(PurePath(path).name, path, text)
    for name in own.names():
        if name.endswith(".hook"):
            there = hooks[name].path if name in hooks else None
            hooks[name] = Hook(name, there, _read(own, name) if own.is_file(name) else "")
    return hooks


def hooks_run(log: str) -> list[str]:
    """The names of the hooks that pacman has run, in order, by what it wrote to its ``log``."""
    return _RAN.findall(log)


def packages_changed(log: str) -> list[str]:
    """The names of the packages that pacman has installed or removed, in order, by its ``log``."""
    return _DEALT_WITH.findall(log)


def owner(tree: Tree, path: str) -> str:
    """The package that has a file; empty: none."""
    return next((package for package, has in read_file_lists(tree) if has == path), "")


def _read(tree: Tree, path: str) -> str:
    return tree.read_bytes(path).decode(errors="replace")  # as what pacman says is read
