"""What a product is derived from, and the id that follows from it.

The id covers exactly what the making of a product reads: the code of its stage and of every module
of ours that the stage imports, the data files that these modules name, its settings, and the
identities of its input files. It holds no path, time, user or host, so that a cache can be carried
to another machine.
"""

import dataclasses
import functools
import hashlib
import importlib.util
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aimager.codec import encode, fingerprint
from aimager.files import sha256
from aimager.products.stage import Stage, settings
from aimager.uuids import recognise

_PACKAGE = Path(__file__).parent.parent
_ID_DIGITS = 32

_IMPORT = re.compile(
    r"\n[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]*))"
)
"""Statements that import, each behind an end of line, by which they are found quickly; what only
looks like one adds nothing, being no module of ours. Parsing all modules would take several times
as long as all else that a build with nothing to do does."""

_DATA = re.compile(r'\b(?:read|locate)_data\(\s*"([\w.]+)",\s*f?"([^"]+)",?\s*\)')
"""Calls of `aimager.resources`; what stands in braces may be anything."""

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
    """``value`` as JSON data, in which a field that is marked as secret is only recognised.

    What is marked as no part of an identity is left out.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: recognise(getattr(value, f.name))
            if f.metadata.get("secret")
            else _plain(getattr(value, f.name))
            for f in dataclasses.fields(value)
            if f.metadata.get("identity", True)
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
    """The SHA-256 of every file of ours that ``module`` consists of.

    They are the module itself, what it imports, and the data files that these read.
    """
    found: dict[str, str] = {}
    waiting = [module]
    seen = set(waiting)
    while waiting:
        code = _read_module(waiting.pop())
        found[_name(code.path)] = code.sha256
        found |= {_name(path): sha256(path) for path in code.data}
        new = code.imports - seen
        seen |= new
        waiting += new
    return tuple(sorted(found.items()))


def _name(path: Path) -> str:
    inside = path.is_relative_to(_PACKAGE.parent)
    return str(path.relative_to(_PACKAGE.parent)) if inside else path.name


@dataclass(frozen=True)
class _Module:
    """The file of a module, the modules of ours that it imports, and the data files it reads."""

    path: Path
    sha256: str
    imports: frozenset[str]
    data: tuple[Path, ...]


@functools.cache
def _read_module(module: str) -> _Module:
    path = _ours().get(module) or _find(module)
    content = path.read_bytes()
    text = "\n" + content.decode().replace("\r", "\n")
    found = set()
    for package, members, modules in _IMPORT.findall(text):
        names = [f"{package}.{name}" for name in _WORD.findall(members)]
        found |= {name for name in (package, *names, *_NAME.findall(modules)) if _is_ours(name)}
    digest = hashlib.sha256(content).hexdigest()
    return _Module(path, digest, frozenset(found), tuple(_find_data(text)))


def _find(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    assert spec and spec.origin, f"{module} has a file"
    return Path(spec.origin)


def _find_data(text: str) -> Iterator[Path]:
    """The data files that a module of this ``text`` names."""
    for package, name in _DATA.findall(text) if "_data(" in text else ():
        folder = _PACKAGE.parent.joinpath(*package.split("."))
        yield from folder.glob(re.sub(r"\{[^}]*\}", "*", name))


def _is_ours(name: str) -> bool:
    return name in _ours()


@functools.cache
def _ours() -> dict[str, Path]:
    """The files of all modules of ours, by name; a package's is that of its heading."""
    found = {}
    for top in (_PACKAGE, _PACKAGE.parent / "boards"):
        for folder, below, names in os.walk(top):
            below[:] = (name for name in below if name != "__pycache__")
            package = ".".join(Path(folder).relative_to(_PACKAGE.parent).parts)
            for name in names:
                if name.endswith(".py"):
                    module = f"{package}.{name[:-3]}".removesuffix(".__init__")
                    found[module] = Path(folder, name)
    return found
