"""What a user asks pacman for: ``NAME``, ``REPOSITORY/NAME`` or either with a version (pacman(8)).

A file of the user's is asked for by its name, as of the repository of what nobody signed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aimager.model.lock import UNSIGNED
from aimager.packages.dependencies import first_provider
from aimager.packages.sync_database import DatabasePackage

SUFFIXES = (
    *(".pkg.tar", ".pkg.tar.zst", ".pkg.tar.xz", ".pkg.tar.gz", ".pkg.tar.bz2", ".pkg.tar.lz4"),
    ".pacman",
)
"""How names of packages' files end; the last is that of electron-builder and fpm."""

_NAME = r"[A-Za-z0-9@_+][A-Za-z0-9@._+-]*"
_TARGET = re.compile(
    rf"(?:(?P<repository>[A-Za-z0-9_][A-Za-z0-9@._-]*)/)?(?P<name>{_NAME})"
    r"(?:(?:<=?|>=?|=)[A-Za-z0-9:._+~-]+)?"
)
_FILE = re.compile(rf"(?P<repository>{UNSIGNED})/(?P<name>[^/,\x00-\x1f]+)")


@dataclass(frozen=True)
class Target:
    """A ``name`` in a ``repository``, empty where any will do."""

    repository: str
    name: str


def read_target(word: str) -> Target:
    """What a word asks for.

    :raises ValueError: for what pacman would take for an option or a path
    """
    match = _FILE.fullmatch(word) or _TARGET.fullmatch(word)
    if not match:
        raise ValueError(f"{word} asks for no package")
    return Target(match["repository"] or "", match["name"])


def of_file(name: str) -> str:
    """The word that asks for a file of the user's by its name."""
    return f"{UNSIGNED}/{name}"


def is_file(word: str) -> bool:
    """Whether a word names a file, as for ``pacman -U``."""
    if _FILE.fullmatch(word):
        return False
    return word.startswith(("/", "./", "../")) or word.endswith(SUFFIXES)


def named_by(packages: Mapping[str, DatabasePackage], word: str) -> list[str]:
    """The packages that ``word`` asks for, as with pacman(8)'s ``-S``; which may be empty.

    It is the name of a package, else what one provides, else that of a group, and of a file of
    the user's the package in it. Versions are not looked at.
    """
    target = read_target(word)
    name = target.name
    if target.repository:
        packages = {n: p for n, p in packages.items() if p.locked.repository == target.repository}
    if name in packages:
        return [name]
    if target.repository == UNSIGNED:
        return [package for package, p in packages.items() if p.locked.file == name]
    providing = first_provider(packages, name)
    return [providing] if providing else sorted(n for n, p in packages.items() if name in p.groups)


def meant_by(packages: Mapping[str, DatabasePackage], words: Iterable[str]) -> list[str]:
    """All that ``words`` ask for; a word for which there is nothing stands for itself."""
    return [name for word in words for name in named_by(packages, word) or (word,)]


def for_pacman(packages: Mapping[str, DatabasePackage], words: Sequence[str]) -> list[str]:
    """The same words, with packages' names in the place of files'."""
    return [
        of_file(named[0])
        if word.startswith(of_file("")) and (named := named_by(packages, word))
        else word
        for word in words
    ]
