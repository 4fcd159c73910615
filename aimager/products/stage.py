"""Stages: frozen dataclasses whose fields say what they read, and whose ``run()`` makes a product.

``Path`` fields, and tuples of them, are inputs; ``target`` and ``targets`` are what is made. All
other fields are settings, but those that `workshop.environment` marks, on which the product does
not depend.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol


class Stage(Protocol):
    """What one task does; every field is known when the graph is read."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def run(self) -> Mapping[str, str] | None:
        """Make the product, and return what is known of its files' SHA-256, by name."""


_OUTPUTS = ("target", "targets")


def outputs(stage: Stage) -> list[Path]:
    """The files that a stage makes."""
    return [path for name in _OUTPUTS for path in _paths(getattr(stage, name, None))]


def inputs(stage: Stage) -> dict[str, Path]:
    """The files that a stage's product depends on, by field; ``field.0`` is one of several."""
    found = {}
    for name, value in _identity_fields(stage):
        paths = _paths(value)
        if isinstance(value, Path):
            found[name] = value
        else:
            found |= {f"{name}.{index}": path for index, path in enumerate(paths)}
    return found


def all_inputs(stage: Stage) -> list[Path]:
    """The files that a stage reads, those among them on which its product does not depend."""
    fields = (f.name for f in dataclasses.fields(stage) if f.name not in _OUTPUTS)
    return [path for name in fields for path in _paths(getattr(stage, name))]


def settings(stage: Stage) -> dict[str, object]:
    """What beside its input files a stage's product depends on, by field.

    One that has ``circumstances()`` finds more of it out when its input files are there.
    """
    found: dict[str, object] = getattr(stage, "circumstances", dict)()
    return {n: value for n, value in _identity_fields(stage) if not _paths(value)} | found


def _identity_fields(stage: Stage) -> list[tuple[str, Any]]:
    return [
        (f.name, getattr(stage, f.name))
        for f in dataclasses.fields(stage)
        if f.name not in _OUTPUTS and f.metadata.get("identity", True)
    ]


def _paths(value: object) -> list[Path]:
    if isinstance(value, Path):
        return [value]
    return [path for item in value for path in _paths(item)] if isinstance(value, tuple) else []


def differing(one: Stage, other: Stage) -> list[str]:
    """The fields in which two stages differ; one that is of another kind differs in that."""
    if type(one) is not type(other):
        return ["how it is made"]
    names = (f.name for f in dataclasses.fields(one) if f.compare)
    return [name for name in names if getattr(one, name) != getattr(other, name)]
