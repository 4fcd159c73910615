"""What a product is derived from, and the id that follows from it.

The id covers exactly what the making of a product reads: the code of its stage and of every module
of ours that the stage imports, its settings, and the identities of its input files. It holds no
path, time, user or host, so that a cache can be carried to another machine.
"""

import dataclasses
import functools
import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aimager.codec import encode, fingerprint
from aimager.files import sha256
from aimager.products.stage import Stage, settings
from aimager.uuids import recognise

_PACKAGE = Path(__file__).parent.parent
_DATA = "importlib.resources"
_ID_DIGITS = 32

_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]*))",
    re.MULTILINE,
)
"""Statements that import; what only looks like one adds nothing, being no module of ours. Parsing
all modules would take several times as long as all else that a build with nothing to do does."""

_WORD = re.compile(r"\w+")
_NAME = re.compile(r"[\w.]+")


@dataclass(frozen=True)
class Derivation:
    """``code`` is SHA-256 by file, ``settings`` JSON by dotted name, ``inputs`` identities."""

    task: str
    stage: str
    code: dict[str, str]
    settings: dict[str, str]
    inputs: dict[str, str]

    @functools.cached_property
    def id(self) -> str:
        """32 hexadecimal digits."""
        return fingerprint(self)[:_ID_DIGITS]


def derive(task: str, stage: Stage, identities: Mapping[str, str]) -> Derivation:
    """The derivation of what ``stage`` makes from input files of these ``identities``."""
    flat: dict[str, str] = {}
    for name, value in settings(stage).items():
        _flatten(name, _plain(value), flat)
    kind = type(stage)
    return Derivation(task, kind.__name__, dict(code_of(kind.__module__)), flat, dict(identities))


def _plain(value: object) -> object:
    """``value`` as JSON data, in which a field that is marked as secret is only recognised."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: recognise(getattr(value, f.name))
            if f.metadata.get("secret")
            else _plain(getattr(value, f.name))
            for f in dataclasses.fields(value)
        }
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return encode(value)


def _flatten(name: str, value: object, into: dict[str, str]) -> None:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            _flatten(f"{name}.{key}", item, into)
    else:
        into[name] = json.dumps(value, sort_keys=True)


@functools.cache
def code_of(module: str) -> tuple[tuple[str, str], ...]:
    """The SHA-256 of every file of ours that ``module`` consists of, itself and what it imports.

    A module that reads package data counts all of the ``content`` beside it.
    """
    found: dict[str, str] = {}
    waiting = [module]
    seen = set(waiting)
    while waiting:
        path, imported = _imports(waiting.pop())
        found[_name(path)] = sha256(path)
        if _DATA in imported:
            data = sorted(p for p in (path.parent / "content").rglob("*") if p.is_file())
            found |= {_name(file): sha256(file) for file in data}
        new = imported - seen - {_DATA}
        seen |= new
        waiting += new
    return tuple(sorted(found.items()))


def _name(path: Path) -> str:
    inside = path.is_relative_to(_PACKAGE.parent)
    return str(path.relative_to(_PACKAGE.parent)) if inside else path.name


@functools.cache
def _imports(module: str) -> tuple[Path, frozenset[str]]:
    """The file of a module, and which of ours it imports; `_DATA` if it reads package data."""
    spec = importlib.util.find_spec(module)
    assert spec and spec.origin, f"{module} has a file"
    path = Path(spec.origin)
    found = set()
    for package, members, modules in _IMPORT.findall(path.read_text()):
        names = [f"{package}.{name}" for name in _WORD.findall(members)]
        found |= {_DATA} & set(names)
        found |= {name for name in (package, *names, *_NAME.findall(modules)) if _is_ours(name)}
    return path, frozenset(found)


@functools.cache
def _is_ours(name: str) -> bool:
    if name.partition(".")[0] not in (_PACKAGE.name, "boards"):
        return False
    path = _PACKAGE.parent.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()
