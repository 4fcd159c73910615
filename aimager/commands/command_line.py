"""What a command line asks for: builds, tasks, and how doit is to go about them."""

import os
import stat
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from aimager.config.build import read_builds
from aimager.config.list_files import with_lists
from aimager.config.parse import nearest, read_epoch
from aimager.config.platform import refuse_faults
from aimager.config.unknown_names import INSTEAD, check_names
from aimager.config.variable import setting_names
from aimager.config.variables import VARIABLES, is_secret
from aimager.errors import ConfigError
from aimager.files import Readers, guard_folder
from aimager.model.build import Build
from aimager.packages.lock_file import check_build, read_lock_file

NAME_IT = "name it: distro= and board="
"""What is to be done where a command needs a build and was given none."""

BUILD = "build"
"""The task whose parameters the variables are."""

_OF_NOBUILD = {"matrix", "completion"}
"""Tasks to which variables mean something else than a build."""

_FOLDERS_HINT = "AIMAGER_CACHE names another cache folder, out= another one for the results"


@dataclass(frozen=True)
class Asked:
    """A command line, as doit has parsed it.

    ``command`` is doit's own, ``words`` are the names behind it and their tasks' options, and
    ``assignments`` the words ``name=value``. Relative paths start at ``folder``. Doit runs as many
    as ``jobs`` tasks at the same time; ``always``, it runs also those that are up to date, and
    ``single``, none but those that are named.
    """

    folder: Path
    command: str = "run"
    words: tuple[str, ...] = ()
    assignments: Mapping[str, str] = field(default_factory=dict)
    jobs: int = 1
    always: bool = False
    single: bool = False

    @cached_property
    def variables(self) -> dict[str, str]:
        """The variables, lists read from their files.

        Behind the task that has them as parameters, doit takes any word with two dashes for one.

        :raises ConfigError: when a file cannot be read
        """
        start = self.words.index(BUILD) if BUILD in self.words else len(self.words)
        dashed = (word[2:].partition("=") for word in self.words[start:] if _is_parameter(word))
        texts = {**self.assignments, **{name: value for name, _, value in dashed}}
        return with_lists(texts, self.folder)

    @property
    def settings(self) -> dict[str, str]:
        """What sets each setting of a stage, as the user calls it."""
        return {"epoch": "SOURCE_DATE_EPOCH", **setting_names(VARIABLES, self.variables)}

    @property
    def is_for_build(self) -> bool:
        """Whether it asks for all of a build, and not for some of its tasks."""
        return self.command == "run" and (not self.words or BUILD in self.words)

    @property
    def resolves_anew(self) -> bool:
        """Whether it asks for what ``lock=`` names to be made, not to be used."""
        return not {"lock", "update"}.isdisjoint(self.words)


def _is_parameter(word: str) -> bool:
    """Whether doit takes ``word`` for one of the variables, perhaps by the start of its name."""
    name, equals, _ = word.removeprefix("--").partition("=")
    known = any(variable.name.startswith(name) for variable in VARIABLES)
    return word.startswith("--") and bool(equals) and known


def load_builds(asked: Asked, cache: Path) -> tuple[Build, ...]:
    """The builds that a command line describes. Makes the ``cache`` folder.

    :raises ConfigError: when a variable is wrong, or a folder cannot be used
    """
    refuse_faults()
    _check_folder(cache)
    if not cache.is_dir():
        guard_folder(cache)
    epoch = read_epoch(os.environ.get("SOURCE_DATE_EPOCH"))
    for name, value in asked.variables.items():
        if not _is_text(value):
            hidden = is_secret(name)
            raise ConfigError(
                f"{name}={'' if hidden else value} is not in UTF-8",
                hint="type it on a terminal that writes UTF-8",
            )
    if not _OF_NOBUILD.isdisjoint(asked.words):
        check_names(tuple(asked.variables))
        return ()
    builds = read_builds(asked.variables, asked.folder, epoch=epoch)
    for build in builds:
        _guard(cache, build.readers)
        _check_folder(build.out)
        if build.lock and not asked.resolves_anew:
            check_build(build, read_lock_file(build.lock))
    return builds


def _guard(cache: Path, readers: Readers) -> None:
    """Let only ``readers`` read a cache, be it of a time when all could; no other folder."""
    is_everybodys = cache.stat().st_mode & stat.S_ISVTX
    is_ours = not any(cache.iterdir()) or any((cache / n).exists() for n in ("product", "work"))
    if is_ours and not is_everybodys:
        guard_folder(cache, readers)


def _check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be used, before work is put into what it is to hold.

    :raises ConfigError: when it cannot be written, or its path has a blank, which separates paths
        in pacman.conf, or is not text
    """
    if any(character.isspace() for character in str(folder)):
        raise ConfigError(
            f"the path of the folder {folder} has a blank, which pacman cannot use",
            hint=_FOLDERS_HINT,
        )
    if not _is_text(str(folder)):
        raise ConfigError(f"the path of the folder {folder} is not in UTF-8", hint=_FOLDERS_HINT)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(
            f"the folder {folder} cannot be written: {there} is not yours, or not a folder",
            hint=_FOLDERS_HINT,
        )


def _is_text(word: str) -> bool:
    """Whether all its bytes were ones of UTF-8; the others have become surrogates (PEP 383)."""
    return not any("\ud800" <= character <= "\udfff" for character in word)


def unknown_task(name: str, tasks: Collection[str], others: Iterable[str] = ()) -> ConfigError:
    """What to say of a name that is not one of ``tasks``, nor of ``others`` that could be meant."""
    of, colon, _ = name.partition(":")
    meant = [*tasks, *others]
    near = nearest(name, meant) or ("" if of in tasks else nearest(of, meant))
    told = "doit list names all of them"
    if colon and of in tasks:
        told = "doit list --all names those of the build that distro= and board= describe"
    return ConfigError(
        f"there is no task {name}",
        hint=f"{near}{told}",
    )


def unknown_option(told: str, words: Sequence[str], tasks: Collection[str]) -> ConfigError:
    """What to say of an option of which doit's parser ``told``, where ``words`` were parsed."""
    option = told.split(" ", 1)[0]
    before = next((n for n, word in enumerate(words) if word.startswith(option)), len(words))
    task = next((word for word in reversed(words[:before]) if word in tasks), "")
    name = option.removeprefix("--").partition("=")[0]
    near = nearest(name, (variable.name for variable in VARIABLES), "--{}=")
    usual = f"{near}doit help {task} explains those that it has; those of doit itself stand before"
    return ConfigError(f"the task {task} has no such option: {told}", hint=INSTEAD.get(name, usual))
