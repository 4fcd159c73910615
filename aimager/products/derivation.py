"""What a product is derived from, and the id that follows from it.

The id covers exactly what the making of a product reads: the code of its stage and of every module
of ours that the stage imports, the data files that these modules name, its settings, and the
identities of its input files. It holds no path, time, user or host, so that a cache can be carried
to another machine.
"""

import dataclasses
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass

from aimager.codec import encode, fingerprint
from aimager.products.stage import Stage, settings
from aimager.products.stage_code import code_of
from aimager.uuids import recognise

_ID_DIGITS = 32


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
