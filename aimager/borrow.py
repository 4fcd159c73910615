"""The borrowed root: programs of the host's own platform that stages run instead of the host's."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from aimager import syscalls
from aimager.archive import unpack_tree
from aimager.inside import bind
from aimager.sync_database import DatabasePackage
from aimager.toolbox import Toolbox

WANTED = (
    "pacman",
    "gnupg",
    "e2fsprogs",
    "dosfstools",
    "mtools",
    "util-linux",
    "tar",
    "openssl",
    "zstd",
)
"""Packages to borrow, as far as the repositories have them."""


def open_toolbox(
    archive: Path | None, work: Path, folders: Sequence[Path], log: IO[bytes]
) -> Toolbox:
    """A toolbox with ``archive`` unpacked below ``work``; for use inside a namespace.

    ``folders``, among them what ``work`` lies in, are seen by the programs at their own paths;
    so is what is mounted below ``work`` later.
    """
    if archive is None:
        return Toolbox(None, log)
    root = work / "tools"
    unpack_tree(Toolbox(None, log), archive, root)
    syscalls.mount(None, work, None, syscalls.MS_REC | syscalls.MS_SHARED)
    for folder in (*folders, Path("/proc"), Path("/dev"), Path("/run")):
        inner = root / folder.relative_to("/")
        inner.mkdir(parents=True, exist_ok=True)
        bind(folder, inner)
    return Toolbox(root, log)


def closure(packages: Mapping[str, DatabasePackage], names: Sequence[str]) -> list[str]:
    """The names of ``names`` and of all they depend on: the first provider of each.

    Only for the borrowed root, and only where there is no pacman that could resolve yet: it
    knows neither versions nor conflicts.
    """
    providers: dict[str, str] = {}
    for name, package in packages.items():
        for provided in package.provides:
            providers.setdefault(_bare(provided), name)
    found: dict[str, None] = {}
    waiting = list(names)
    while waiting:
        wanted = _bare(waiting.pop())
        name = wanted if wanted in packages else providers.get(wanted, "")
        if name and name not in found:
            found[name] = None
            waiting.extend(packages[name].depends)
    return sorted(found)


def _bare(dependency: str) -> str:
    for index, character in enumerate(dependency):
        if character in "<>=":
            return dependency[:index]
    return dependency
