"""The definitions in a folder of Python files, each of a value or two by names that are given."""

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aimager.model.definition import checked


@dataclass(frozen=True)
class Definitions:
    """The values of all files, in order, and what is wrong with files, by their paths."""

    values: tuple[Any, ...]
    faults: dict[str, str]


def read_definitions(package: str, folder: str, kinds: Mapping[str, type]) -> Definitions:
    """What the modules of ``package``, the files in ``folder``, define by the names of ``kinds``.

    A file that defines none of them, fails, ends the program, or gives an id that another has
    given, whatever its case, is told, and nothing of it is taken.
    """
    values, faults = list[Any](), dict[str, str]()
    owners = dict[tuple[type, str], str]()
    for name in sorted(module.name for module in pkgutil.iter_modules([folder])):
        path = f"{folder}/{name}.py"
        try:
            found = _read(f"{package}.{name}", kinds)
            ids = [(type(value), value.id.lower()) for value in found]
            twice = next((each for each in ids if each in owners), None)
        except (Exception, SystemExit) as error:  # whatever a file of data may raise
            faults[path] = f"{type(error).__name__}: {error}"
            continue
        if not found:
            wanted = " or ".join(f"{key} = {kind.__name__}(...)" for key, kind in kinds.items())
            faults[path] = f"it has no {wanted}"
        elif twice:
            faults[path] = f"its id {twice[1]} is that of {owners[twice]}, too"
        else:
            owners |= dict.fromkeys(ids, path)
            values += found
    return Definitions(tuple(values), faults)


def _read(module: str, kinds: Mapping[str, type]) -> list[Any]:
    names = vars(importlib.import_module(module))
    return [checked(names[key]) for key, kind in kinds.items() if isinstance(names.get(key), kind)]
