"""The code of stages: the modules of ours that each consists of, and the data files they read.

What modules import is found in their text, which takes longer to read than all else that an id
needs. So what was found is remembered, beside what Python has compiled.
"""

import atexit
import functools
import hashlib
import importlib.util
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from aimager.files import OPEN, publish_text, sha256

_TOP = str(Path(__file__).parents[2]).rstrip("/") + "/"
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

_FORM = 1
"""To be raised when other things are found by the same patterns."""

_SOUGHT = [_FORM, _IMPORT.pattern, DATA.pattern, _WORD.pattern, _NAME.pattern, *_PACKAGES]
"""What tells what is looked for in a module."""

_SETTLED = 2 * 10**9
"""Nanoseconds after a change in which another may have the same time: the coarsest file systems
count in steps of so many."""


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
    return tuple(sorted(found.items()))


class _Module(NamedTuple):
    """The SHA-256 of a module's file and of the data files that it reads, and what it imports."""

    files: dict[str, str]
    imports: frozenset[str]


@functools.cache
def _read_module(module: str) -> _Module:
    ours = _ours()
    name = ours.get(module)
    if name is None:  # of a stage that is not ours
        path = Path(_find(module))
        name, found = path.name, _read(path, _state(path))
    else:
        found = _memory().read(name)
    data = {file: sha256(place) for file, place in _data_files(found)}
    return _Module({name: found.sha256, **data}, frozenset(ours.keys() & found.names))


def _find(module: str) -> str:
    spec = importlib.util.find_spec(module)
    assert spec and spec.origin, f"{module} has a file"
    return spec.origin


@functools.cache
def _ours() -> dict[str, str]:
    """The files of all modules of ours, by name; a package's is that of its heading."""
    found = {}
    for package in _PACKAGES:
        for folder, below, names in os.walk(_TOP + package):
            below[:] = (name for name in below if name != "__pycache__")
            inside = folder.removeprefix(_TOP)
            prefix = inside.replace(os.sep, ".")
            for name in names:
                if name.endswith(".py"):
                    module = f"{prefix}.{name[:-3]}".removesuffix(".__init__")
                    found[module] = f"{inside}/{name}"
    return found


class _Found(NamedTuple):
    """What was found in a module's file when it was in this ``state``.

    ``names`` are what may be modules of ours that it imports, ``data`` the packages and names of
    data files.
    """

    state: list[int]
    sha256: str
    names: list[str]
    data: list[list[str]]


def _data_files(found: _Found) -> Iterator[tuple[str, Path]]:
    """The data files that a module reads, by name."""
    for package, name in found.data:
        inside = package.replace(".", "/")
        folder = Path(_TOP, inside)
        for path in folder.glob(re.sub(r"\{[^}]*\}", "*", name)):
            yield f"{inside}/{path.relative_to(folder)}", path


class _Memory:
    """What was found in the files of modules of ours, by their names."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._found: dict[str, _Found] = {}
        self._unsettled: set[str] = set()
        self._is_new = False
        with suppress(OSError, ValueError, TypeError, AttributeError):  # all is read anew
            of, found = json.loads(file.read_bytes())
            if of == _SOUGHT:
                self._found = {name: _Found(*values) for name, values in found.items()}

    def read(self, name: str) -> _Found:
        """What the file of this name has."""
        path, now = Path(_TOP + name), time.time_ns()
        state = _state(path)
        known = self._found.get(name)
        if known is None or known.state != state:
            known = self._found[name] = _read(path, state)
            self._is_new = True
            if now - state[-1] < _SETTLED:
                self._unsettled.add(name)
        return known

    def keep(self) -> None:
        """Remember it, where Python may keep what it compiles."""
        if not self._is_new or sys.dont_write_bytecode:
            return
        names = set(_ours().values()) - self._unsettled
        kept = {name: found for name, found in self._found.items() if name in names}
        with suppress(OSError):  # another user's folder, say: all is read each time
            publish_text(self._file, json.dumps([_SOUGHT, kept]), mode=OPEN)


@functools.cache
def _memory() -> _Memory:
    memory = _Memory(Path(importlib.util.cache_from_source(__file__)).with_suffix(".json"))
    atexit.register(memory.keep)
    return memory


def _state(path: Path) -> list[int]:
    """Its size, its inode, and its ctime, which unlike its mtime no program can set back."""
    status = path.stat()
    return [status.st_size, status.st_ino, status.st_ctime_ns]


def _read(path: Path, state: list[int]) -> _Found:
    content = path.read_bytes()
    text = "\n" + content.decode().replace("\r", "\n")
    found: set[str] = set()
    for package, members, modules in _IMPORT.findall(text):
        found |= {package, *(f"{package}.{name}" for name in _WORD.findall(members))}
        found |= {*_NAME.findall(modules)}
    names = sorted(name for name in found if name.partition(".")[0] in _PACKAGES)
    data = DATA.findall(text) if "_data(" in text else []
    return _Found(state, hashlib.sha256(content).hexdigest(), names, [list(one) for one in data])
