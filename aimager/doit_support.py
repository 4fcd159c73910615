"""How stages become doit's tasks; the only module besides dodo.py that imports doit."""

import dataclasses
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from doit.exceptions import InvalidDodoFile, TaskFailed
from doit.tools import config_changed

from aimager.build import Build
from aimager.codec import fingerprint
from aimager.errors import AimagerError, ConfigError, explain_system_error
from aimager.files import sha256
from aimager.variables import read_build


class Stage(Protocol):
    """A frozen dataclass: ``Path`` fields are inputs, ``target`` or ``targets`` the products."""

    def run(self) -> None:
        """Make the products."""


_OUTPUTS = ("target", "targets")


def _paths(value: object) -> list[Path]:
    if isinstance(value, Path):
        return [value]
    return [path for item in value for path in _paths(item)] if isinstance(value, tuple) else []


def _fields(stage: Stage) -> list[tuple[dataclasses.Field[Any], object]]:
    return [(f, getattr(stage, f.name)) for f in dataclasses.fields(stage)]  # type: ignore[arg-type]


def outputs(stage: Stage) -> list[Path]:
    """The files that a stage makes."""
    return [p for f, value in _fields(stage) if f.name in _OUTPUTS for p in _paths(value)]


def inputs(stage: Stage) -> list[Path]:
    """The files that a stage's products depend on."""
    return [
        path
        for f, value in _fields(stage)
        if f.name not in _OUTPUTS and f.metadata.get("identity", True)
        for path in _paths(value)
    ]


def identity(stage: Stage) -> str:
    """What beside its input files a stage's products depend on: its settings and its code."""
    settings = {
        f.name: value
        for f, value in _fields(stage)
        if f.metadata.get("identity", True) and not _paths(value)
    }
    code = Path(sys.modules[type(stage).__module__].__file__ or "")
    return fingerprint({"code": sha256(code), **settings})


def reporting(action: Callable[..., object], arguments: Sequence[object] = ()) -> TaskFailed | None:
    """Run an action for doit: what somebody can mend is told in its own words, not by traceback."""
    try:
        action(*arguments)
    except AimagerError as error:
        return TaskFailed(str(error))
    except OSError as error:
        mendable = explain_system_error(error)
        if mendable is None:
            raise
        return TaskFailed(str(mendable))
    return None


def group(name: str, generator: Callable[[], object]) -> dict[str, Any]:
    """The task that selects all tasks of ``generator``, which is listed even if it has none."""
    return {"basename": name, "name": None, "doc": generator.__doc__}


def stage(
    basename: str, name: str, request: Stage, tools: Sequence[str] = (), *, always: bool = False
) -> dict[str, Any]:
    """The doit task that runs ``request`` when its inputs, settings or code have changed.

    ``tools`` are tasks that must have run before, though a change of theirs changes nothing here.
    """
    uptodate: list[Any] = [False] if always else [config_changed(identity(request))]
    is_whole = getattr(request, "is_whole", None)
    if is_whole and not always:
        uptodate.append(is_whole)
    return {
        "basename": basename,
        "name": name,
        "actions": [(reporting, [request.run])],
        "file_dep": [str(path) for path in inputs(request)],
        "targets": [str(path) for path in outputs(request)],
        "task_dep": list(tools),
        "uptodate": uptodate,
        "clean": True,
    }


def variables_of(words: Sequence[str]) -> dict[str, str]:
    """The words ``name=value`` of a command line, as doit finds them."""
    assignments = [word for word in words if "=" in word and not word.startswith("-")]
    return {name: value for name, _, value in (word.partition("=") for word in assignments)}


def _check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be used, before work is put into what it is to hold.

    :raises ConfigError: when it cannot be written, or its path has a blank, which separates paths
        in pacman.conf
    """
    if any(character.isspace() for character in str(folder)):
        raise ConfigError(
            f"the path of the folder {folder} has a blank, which pacman cannot use",
            hint="AIMAGER_CACHE names another cache folder, out= another one for the results",
        )
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(
            f"the folder {folder} cannot be written: {there} is not yours, or no folder",
            hint="AIMAGER_CACHE names another cache folder, out= another one for the results",
        )


def load_build(folder: Path, cache: Path) -> Build | None:
    """The build that the command line describes, None where it describes none.

    Makes the ``cache`` folder, where doit keeps its state.

    An error ends doit with its text; SIGTERM from here on ends it as Ctrl-C does, so that what
    is done so far is remembered.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _check_folder(cache)
        cache.mkdir(parents=True, exist_ok=True)
        build = read_build(variables_of(sys.argv[1:]), folder)
        if build:
            _check_folder(build.out)
        return build
    except OSError as error:
        raise InvalidDodoFile(f"the cache folder {cache} cannot be made: {error}") from error
    except AimagerError as error:
        raise InvalidDodoFile(str(error)) from error
