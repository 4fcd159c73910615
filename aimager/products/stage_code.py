"""The code of stages: the modules of ours that each consists of, and the data files they read.

What modules import is found in their text, which is remembered beside what Python has compiled: to
read them all would take most of what a build does that has nothing to do.
"""

import functools
import hashlib
import importlib.util
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from aimager.files import publish_text, sha256

_TOP = str(Path(__file__).parents[2])
_PACKAGES = "aimager", "boards"

_IMPORT = re.compile(
    r"\n[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]*))"
)
"""Statements that import, each behind an end of line, by which they are found quickly; what only
looks like one adds nothing, being no module of ours. Parsing all modules would take several times
as long."""

DATA = re.compile(r'\b(?:read|locate)_data\(\s*"([\w.]+)",\s*f?"([^"]+)",?\s*\)')
"""Calls of `aimager.resources`; what stands in braces may be anything."""

_WORD = re.compile(r"\w+")
_NAME = re.compile(r"[\w.]+")


@functools.cache
def code_of(module: str) -> tuple[tuple[str, str], ...]:
    """The SHA-256 of every file of ours that ``module`` consists of.

    They are the module itself, what it imports, and the data files that these read.
    """
    found: dict[str, str] = {}
    waiting = [module]
    seen = set(waiting)
    while waiting:
        code = _read_module(waiting.pop())
        found |= code.files
        new = code.imports - seen
        seen |= new
        waiting += new
    _texts().keep()
    return tuple(sorted(found.items()))


@dataclass(frozen=True)
class _Module:
    """The SHA-256 of a module's file and of the data files that it reads, and what it imports."""

    files: dict[str, str]
    imports: frozenset[str]


@functools.cache
def _read_module(module: str) -> _Module:
    ours = _ours()
    path = ours.get(module) or _find(module)
    text = _texts().read(path)
    files = {_name(path): text.sha256}
    files |= {_name(str(data)): sha256(data) for data in _find_data(text)}
    return _Module(files, frozenset(ours.keys() & text.names))


def _name(path: str) -> str:
    inside = path.startswith(_TOP + os.sep)
    return path[len(_TOP) + 1 :] if inside else os.path.basename(path)  # noqa: PTH119


def _find(module: str) -> str:
    spec = importlib.util.find_spec(module)
    assert spec and spec.origin, f"{module} has a file"
    return spec.origin


@functools.cache
def _ours() -> dict[str, str]:
    """The files of all modules of ours, by name; a package's is that of its heading."""
    found = {}
    for package in _PACKAGES:
        for folder, below, names in os.walk(f"{_TOP}/{package}"):
            below[:] = (name for name in below if name != "__pycache__")
            prefix = folder[len(_TOP) + 1 :].replace(os.sep, ".")
            for name in names:
                if name.endswith(".py"):
                    found[f"{prefix}.{name[:-3]}".removesuffix(".__init__")] = f"{folder}/{name}"
    return found


class _Text(NamedTuple):
    """What the file of a module has, and of what ``state`` it was when it was read.

    ``names`` are what may be modules of ours that it imports, ``data`` the packages and names of
    data files.
    """

    state: list[int]
    sha256: str
    names: list[str]
    data: list[list[str]]


def _find_data(text: _Text) -> Iterator[Path]:
    for package, name in text.data:
        folder = Path(_TOP, *package.split("."))
        yield from folder.glob(re.sub(r"\{[^}]*\}", "*", name))


class _Texts:
    """What was read of modules' files, by their paths."""

    def __init__(self) -> None:
        self._memory = Path(importlib.util.cache_from_source(__file__)).with_suffix(".json")
        self._known: dict[str, _Text] = {}
        self._is_new = False
        with suppress(OSError, ValueError, TypeError, LookupError):  # all is read anew
            known = json.loads(self._memory.read_bytes())
            if known[__file__][0] == _state(__file__):  # what is sought has not changed
                self._known = {path: _Text(*found) for path, found in known.items()}
        self.read(__file__)

    def read(self, path: str) -> _Text:
        state = _state(path)
        known = self._known.get(path)
        if known is None or known.state != state:
            known = self._known[path] = _read(path, state)
            self._is_new = True
        return known

    def keep(self) -> None:
        """Remember what was read, where Python may keep what it compiles."""
        if self._is_new and not sys.dont_write_bytecode:
            there = {path: text for path, text in self._known.items() if Path(path).exists()}
            with suppress(OSError):  # another user's folder: all is read each time
                publish_text(self._memory, json.dumps(there))
        self._is_new = False


@functools.cache
def _texts() -> _Texts:
    return _Texts()


def _state(path: str) -> list[int]:
    """Its size, its inode, and when it was last changed, which unlike its time nobody can set."""
    status = os.stat(path)  # noqa: PTH116
    return [status.st_size, status.st_ino, status.st_ctime_ns]


def _read(path: str, state: list[int]) -> _Text:
    content = Path(path).read_bytes()
    text = "\n" + content.decode().replace("\r", "\n")
    found: set[str] = set()
    for package, members, modules in _IMPORT.findall(text):
        found |= {package, *(f"{package}.{name}" for name in _WORD.findall(members))}
        found |= {*_NAME.findall(modules)}
    names = sorted(name for name in found if name.partition(".")[0] in _PACKAGES)
    data = DATA.findall(text) if "_data(" in text else []
    return _Text(state, hashlib.sha256(content).hexdigest(), names, [list(one) for one in data])
