"""A manifest that somebody published, read as far as it is compared."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimager.codec import decode
from aimager.errors import ConfigError
from aimager.image.compare.packages import Package
from aimager.image.manifest import Result
from aimager.strict_json import parse_json

_LARGEST = 64 << 20
"""Bytes of a manifest; a package takes about 400 of them."""

_LISTS = ("packages", "results", "products")
"""What is not compared as settings; products tell of the code that made them, not of the image."""

_LONGEST_NAME = 1000
"""Characters of a dotted name: each of millions of values may have one."""
_LONGEST = 255
"""Characters of a package's name or version, as in its record."""


@dataclass(frozen=True)
class Manifest:
    """What a manifest says: all of it as ``data``, its packages and its results by name."""

    path: Path
    data: Mapping[str, Any]
    packages: Mapping[str, Package]
    results: Mapping[str, Result]
    settings: Mapping[str, str]
    """All that is not of packages or results: by dotted name, as JSON."""


def _flatten(prefix: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, item in sorted(value.items()):
            name = json.dumps(key) if "." in key else key
            yield from _flatten(f"{prefix}.{name}" if prefix else name, item)
    else:
        yield prefix, json.dumps(value, ensure_ascii=False)


def is_manifest(data: object) -> bool:
    """Whether JSON looks like that of a manifest."""
    return isinstance(data, dict) and {"build", "packages", "results"} <= data.keys()


def read_json(path: Path) -> Any:
    """What a file of JSON says.

    :raises ConfigError: when it is too large, or not JSON
    """
    with path.open("rb") as stream:
        content = stream.read(_LARGEST + 1)
    try:
        if len(content) > _LARGEST:
            raise ValueError(f"it has more than {_LARGEST} bytes")
        return parse_json(content)
    except ValueError as error:
        raise _refused(path, str(error)) from error


def read_manifest(path: Path) -> Manifest:
    """The manifest at ``path``.

    :raises ConfigError: when the file does not hold one
    """
    data = read_json(path)
    if not is_manifest(data):
        raise _refused(path, "it lacks build, packages or results")
    _check_names(path, data)
    try:
        packages = dict(map(_read_package, data["packages"]))
        results = [decode(Result, it) for it in data["results"]]
        settings = dict(_flatten("", {k: v for k, v in data.items() if k not in _LISTS}))
    except RecursionError as error:
        raise _refused(path, "it is nested too deeply") from error
    except (ValueError, TypeError, KeyError) as error:
        raise _refused(path, f"its packages or results are damaged: {error}") from error
    return Manifest(path, data, packages, {it.name: it for it in results}, settings)


def _read_package(told: Any) -> tuple[str, Package]:
    """:raises ValueError: when it has no name or version, or too long ones"""
    fields = told if isinstance(told, dict) else {}
    name, version, sha256 = (fields.get(key) for key in ("name", "version", "sha256"))
    if not (isinstance(name, str) and isinstance(version, str)):
        raise ValueError("a package has no name or version")
    if max(len(name), len(version)) > _LONGEST:
        raise ValueError("the name or version of a package is too long")
    return name, Package(version, None, sha256 if isinstance(sha256, str) else None)


def _check_names(path: Path, data: object) -> None:
    """:raises ConfigError: when what is nested has a dotted name that is too long"""
    left = [(data, 0)]
    while left:
        value, length = left.pop()
        if length > _LONGEST_NAME:
            raise _refused(path, "a name in it is too long")
        if isinstance(value, dict):
            left.extend((item, length + 1 + len(key)) for key, item in value.items())


def _refused(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"{path} is not a manifest: {why[:200]}",
        hint="name the manifest.json that lies beside the results of doit build",
    )
