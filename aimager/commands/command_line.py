"""What doit's command line asks for: builds and tasks; what is wrong there ends doit."""

import difflib
import fnmatch
import os
import re
import signal
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from doit.cmd_base import DodoTaskLoader
from doit.cmdparse import CmdOption, CmdParse, CmdParseError
from doit.doit_cmd import DoitMain

from aimager.config.build import read_builds
from aimager.config.parse import read_epoch
from aimager.config.unknown_names import check_names
from aimager.config.variable import setting_names
from aimager.config.variables import VARIABLES
from aimager.errors import AimagerError, ConfigError, explain_system_error
from aimager.model.build import Build
from aimager.packages.lock_file import check_build, read

_BUILD = "build"
"""The task whose parameters the variables are."""

_OF_NO_BUILD = {"matrix", "completion"}
"""Tasks to which variables mean something else than a build."""

_COMMANDS = {command.get_name(): command for command in DoitMain.DOIT_CMDS}

T = TypeVar("T")

Options = Sequence[Mapping[str, Any]]
"""Options of a command or task, as doit describes them."""


def jobs_of(words: Sequence[str]) -> int:
    """How many tasks doit runs at the same time by a command line's ``-n``, at least one."""
    found = re.search(r"(?:^|\0)(?:-n\0?|--process[=\0])(\d+)(?:\0|$)", "\0".join(words))
    return max(int(found[1]), 1) if found else 1


def variables_of(words: Sequence[str]) -> dict[str, str]:
    """The words ``name=value`` of a command line, as doit finds them.

    After the name of the task that has them as parameters, they may have two dashes.
    """
    start = words.index(_BUILD) if _BUILD in words else len(words)
    dashed = [word[2:] for word in words[start:] if _is_parameter(word)]
    assignments = [word for word in words if "=" in word and not word.startswith("-")]
    assignments += dashed
    return {name: value for name, _, value in (word.partition("=") for word in assignments)}


def settings_of(words: Sequence[str]) -> dict[str, str]:
    """What sets each setting of a stage, as a command line calls it."""
    return {"epoch": "SOURCE_DATE_EPOCH", **setting_names(VARIABLES, variables_of(words))}


def _is_parameter(word: str) -> bool:
    """Whether doit takes ``word`` for one of the variables, be it by the beginning of a name."""
    name, equals, _ = word.removeprefix("--").partition("=")
    known = any(variable.name.startswith(name) for variable in VARIABLES)
    return word.startswith("--") and bool(equals) and known


def _check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be used, before work is put into what it is to hold.

    :raises ConfigError: when it cannot be written, or its path has a blank, which separates paths
        in pacman.conf, or is no text
    """
    if any(character.isspace() for character in str(folder)):
        raise ConfigError(
            f"the path of the folder {folder} has a blank, which pacman cannot use",
            hint="AIMAGER_CACHE names another cache folder, out= another one for the results",
        )
    if not _is_text(str(folder)):
        raise ConfigError(
            f"the path of the folder {folder} is not in UTF-8",
            hint="AIMAGER_CACHE names another cache folder, out= another one for the results",
        )
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(
            f"the folder {folder} cannot be written: {there} is not yours, or no folder",
            hint="AIMAGER_CACHE names another cache folder, out= another one for the results",
        )


def _is_text(word: str) -> bool:
    """Whether all its bytes were ones of UTF-8; the others have become surrogates (PEP 383)."""
    return not any("\ud800" <= character <= "\udfff" for character in word)


def resolves_anew(words: Sequence[str]) -> bool:
    """Whether a command line asks for what ``lock=`` names to be made, not to be used."""
    return not {"lock", "update"}.isdisjoint(words)


def asks_for_build(words: Sequence[str]) -> bool:
    """Whether a command line asks for all of a build, and not for some of its tasks."""
    tasks = [word for word in words if "=" not in word and not word.startswith("-")]
    return _BUILD in tasks or not tasks


def load_builds(folder: Path, cache: Path) -> tuple[Build, ...]:
    """The builds that the command line describes.

    Makes the ``cache`` folder, where doit keeps its state.

    An error ends doit with its text and status 1; SIGTERM from here on ends it as Ctrl-C does, so
    that what is done so far is remembered.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _open_standard_streams()
    return _ending_doit(partial(_load_builds, folder, cache))


def _open_standard_streams() -> None:
    """Have those that are closed lead nowhere: else other files would get their numbers."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
            setattr(sys, name, os.fdopen(number, mode))


def _load_builds(folder: Path, cache: Path) -> tuple[Build, ...]:
    _check_folder(cache)
    cache.mkdir(parents=True, exist_ok=True)
    epoch = read_epoch(os.environ.get("SOURCE_DATE_EPOCH"))
    variables = variables_of(sys.argv[1:])
    for name, value in variables.items():
        if not _is_text(value):
            is_secret = any(v.secret and v.matches(name) for v in VARIABLES)
            raise ConfigError(
                f"{name}={'' if is_secret else value} is not in UTF-8",
                hint="type it on a terminal that writes UTF-8",
            )
    if not _OF_NO_BUILD.isdisjoint(sys.argv[1:]):
        check_names(tuple(variables))
        return ()
    builds = read_builds(variables, folder, epoch=epoch)
    for build in builds:
        _check_folder(build.out)
        if build.lock and not resolves_anew(sys.argv[1:]):
            check_build(build, read(build.lock))
    return builds


def _ending_doit(action: Callable[[], T]) -> T:
    """Do ``action``; what somebody can mend ends doit with its text and status 1."""
    try:
        return action()
    except OSError as error:
        mendable = explain_system_error(error)
        if mendable is None:
            raise
        raise SystemExit(f"ERROR: {mendable}") from error
    except AimagerError as error:
        raise SystemExit(f"ERROR: {error}") from error


def refuse_unknown_tasks(
    words: Sequence[str], tasks: Mapping[str, Options], results: Mapping[str, Collection[str]]
) -> None:
    """End doit where a command line names neither a task nor a file that one makes.

    doit does so by itself, but with status 3, or a traceback, or not at all for a pattern, and
    without the name that was meant. ``tasks`` are those that are no one's part, with their own
    options as doit's ``params``; ``results`` are the files of the others, by whole names.
    """
    _ending_doit(partial(_check_tasks, words, tasks, results))


def _check_tasks(
    words: Sequence[str], tasks: Mapping[str, Options], results: Mapping[str, Collection[str]]
) -> None:
    command, left = _named(words)
    runs = command in ("", "run")
    known = {*tasks, *results, *(("task", *_COMMANDS) if command == "help" else ())}
    files = {file for made in results.values() for file in made} if runs else set()
    meant = known if command else {*known, *_COMMANDS}
    while left:
        name, *left = left
        if name.startswith("-"):
            continue
        if not fnmatch.filter(known, name) if "*" in name else name not in known | files:
            raise _unknown(name, meant, tasks)
        left = _parsed(name, tasks.get(name, ()), left) if runs else left
        meant = known


def _unknown(name: str, meant: Collection[str], tasks: Collection[str]) -> ConfigError:
    of, colon, _ = name.partition(":")
    nearest = [
        *difflib.get_close_matches(name, meant, n=1),
        *(() if of in tasks else difflib.get_close_matches(of, meant, n=1)),
    ]
    told = "doit list names all of them"
    if colon and of in tasks:
        told = "doit list --all names those of the build that distro= and board= describe"
    return ConfigError(
        f"there is no task {name}",
        hint=f"{f'did you mean {nearest[0]}? ' if nearest else ''}{told}",
    )


def _parsed(task: str, options: Options, words: Sequence[str]) -> list[str]:
    """The words behind a task's own options."""
    try:
        _, left = CmdParse([CmdOption(dict(option)) for option in options]).parse(words)
    except CmdParseError as error:
        told = str(error).partition(" (parsing")[0].rpartition("option ")[2]
        raise ConfigError(
            f"the task {task} has no such option: {told}",
            hint=f"doit help {task} explains those that it has; those of doit itself stand before",
        ) from error
    return list(left)


def _named(words: Sequence[str]) -> tuple[str, list[str]]:
    """doit's own command of a command line, empty if it has none, and the names behind it."""
    options = DodoTaskLoader.cmd_options
    rest = [w for w in _without(options, words) if w.startswith("-") or "=" not in w]
    command = rest[0] if rest and rest[0] in _COMMANDS else ""
    kind = _COMMANDS[command or "run"]
    options = (*getattr(kind, "base_options", ()), *options, *kind.cmd_options)
    return command, _without(options, rest[1:] if command else rest)


def _without(options: Options, words: Sequence[str]) -> list[str]:
    """The words from the first on that is none of ``options``; all where one of these is wrong."""
    try:
        _, left = CmdParse([CmdOption(dict(option)) for option in options]).parse_only(words)
    except CmdParseError:
        return list(words)
    return list(left)
