"""Words for the paths that only a build sees, in what it says of its failure.

A worker's folders, and what is mounted for programs in it, are gone when a user reads of them.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from aimager.sandbox.chroot import IMAGE, PACKAGES, PACMAN, RUNTIME

_NAME = r"[^\s'\"`:;,()<>|]"
_BELOW = rf"(?:/{_NAME}*[^\s'\"`:;,()<>|./])?"
"""The rest of a path: a stop that follows it belongs to the sentence."""

ROOT = "root"
"""What the tree of an image is called in a work folder."""


@dataclass(frozen=True)
class ToldPaths:
    """``works`` are the paths of a work folder, ``files`` are told by their names alone."""

    works: tuple[Path, ...]
    files: tuple[Path, ...] = ()

    def in_words(self, text: str) -> str:
        """``text`` with the words for paths."""
        rules: list[tuple[str, Callable[[str], str]]] = []
        for work in self.works:
            rules += [
                (f"{work}/{ROOT}{RUNTIME}", lambda below: f"/run{below} of the image"),
                (f"{work}/{ROOT}", lambda below: f"{below or '/'} of the image"),
                (str(work), lambda below: below.lstrip("/") or "the work folder"),
            ]
        rules.append((str(IMAGE), lambda below: f"{below or '/'} of the image"))
        for place in (PACKAGES, PACMAN):
            rules.append((str(place), lambda below: PurePath(below).name or "the work folder"))
        for start, words in rules:
            text = _replaced(text, start, words)
        for file in self.files:
            text = re.sub(_of_file(file), file.name.replace("\\", r"\\"), text)
        return text

    def in_all(self, values: Iterable[Any]) -> list[Any]:
        """The same for those of ``values`` that are texts, and for texts in lists of them."""
        told: list[Any] = []
        for value in values:
            if isinstance(value, str):
                told.append(self.in_words(value))
            else:
                told.append(self.in_all(value) if isinstance(value, list) else value)
        return told


def _replaced(text: str, start: str, words: Callable[[str], str]) -> str:
    pattern = rf"(?<![\w.-]){re.escape(start)}(?![\w.-])({_BELOW})/?"
    return re.sub(pattern, lambda found: words(found[1]), text)


def _of_file(file: Path) -> str:
    """A pattern for its path; until a file that is made has its name, it has one that begins so."""
    folder, name = re.escape(f"{file.parent}/"), re.escape(file.name)
    return rf"(?<![\w.-]){folder}(?:{name}|\.{name}\.\w{{8}})(?![\w/-])"
