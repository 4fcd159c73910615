"""Lists of packages that other programs write and read: a name in each line, or several."""

import re
from pathlib import Path

from aimager.config.parse import split_list
from aimager.config.paths import read_text
from aimager.errors import ConfigError
from aimager.packages.targets import is_file, read_target

NAME = "packages-from"
"""The variable that names such files."""

_COMMENT = re.compile(r"(?:^|\s)#.*")
_WITH_VERSION = re.compile(r"(\S+)\s+(?:\d+:)?\w[\w.+~]*-\d+(?:\.\d+)?")
"""A line of ``pacman -Q``."""


def read_package_lists(text: str, folder: Path) -> tuple[str, ...]:
    """The packages that the files of ``text`` name; what follows a ``#`` is a comment.

    :raises ConfigError: when one cannot be read, or a line has something else
    """
    return tuple(word for name in split_list(text) for word in _read(folder / name))


def _read(path: Path) -> list[str]:
    found = list[str]()
    for number, line in enumerate(read_text(path, NAME).removeprefix("\ufeff").split("\n"), 1):
        told = f"{NAME}= has in line {number} of {path}"
        bare = _COMMENT.sub("", line).strip()
        if versioned := _WITH_VERSION.fullmatch(bare):
            raise ConfigError(
                f"{told} a version after the name {versioned[1]}",
                hint="pacman -Qqe writes the names alone; lock= is what keeps versions",
            )
        for word in bare.replace(",", " ").split():
            _check(word, told)
            found.append(word)
    return found


def _check(word: str, told: str) -> None:
    if is_file(word) or "://" in word:
        raise ConfigError(
            f"{told} the file {word}, and takes packages' names",
            hint="install-pkgs= takes files of packages, too",
        )
    try:
        read_target(word)
    except ValueError as error:
        raise ConfigError(
            f"{told} {word}, which is not a valid package name",
            hint="write names, one in each line, and a # before comments",
        ) from error
