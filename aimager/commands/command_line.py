"""What a command line asks for: builds, tasks, and how doit is to go about them."""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from aimager.cluster.errand import Errand
from aimager.commands.folders import check_folder, guard_cache, make_cache
from aimager.commands.listing import LISTS
from aimager.config.builds import ReadBuild, read_all, read_fleet
from aimager.config.fleet import Fleet
from aimager.config.guest_variables import GUEST, check_shell
from aimager.config.list_files import check_values, with_lists
from aimager.config.parse import read_epoch
from aimager.config.platform import refuse_faults
from aimager.config.run_variables import OTHERS
from aimager.config.unknown_names import INSTEAD, check_names
from aimager.config.variable import setting_names
from aimager.config.variables import VARIABLES, make_words
from aimager.errors import ConfigError
from aimager.model.build import Build
from aimager.near_names import nearest
from aimager.packages.lock_file import check_build, read_lock_file
from aimager.products.errand import Expected

NAME_IT = "name it: distro= and board="
"""What is to be done where a command needs a build and was given none."""

BUILD = "build"
"""The task whose parameters the variables are."""

_OF_NOBUILD = {
    "matrix",
    "completion",
    "schema",
    "cluster",
    "worker",
    "personalise",
    "diff",
    "verify",
}
"""Tasks to which variables mean something else than a build."""

TELLING = frozenset(
    {*LISTS, "show", "doctor", "graph", "matrix", "os-list", "completion", "man", "schema", "diff"}
)
"""Tasks that are there for their output alone."""

NAMING = frozenset({"diff"})
"""Tasks to which the words behind them are names of files."""

COMPARING = frozenset({"verify", *NAMING})
"""Tasks that end as diff(1) does."""

TROUBLE = 2
"""Their exit status where they cannot do their work."""


@dataclass(frozen=True)
class Asked:
    """A command line, as doit has parsed it.

    ``command`` is doit's own, ``words`` are the names behind it and their tasks' options, and
    ``assignments`` the words ``name=value``. Relative paths start at ``folder``. Doit runs as many
    as ``jobs`` tasks at the same time; ``always``, it runs also those that are up to date, and
    ``single``, none but those that are named. For another machine it does an ``errand``,
    with the packages of the lock file ``lock``.
    """

    folder: Path
    command: str = "run"
    words: tuple[str, ...] = ()
    assignments: Mapping[str, str] = field(default_factory=dict)
    jobs: int = 1
    always: bool = False
    single: bool = False
    errand: Errand | None = None
    lock: Path | None = None

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
    def expected(self) -> Expected | None:
        """What another machine expects of it."""
        return self.errand.expected if self.errand else None

    @cached_property
    def fleet(self) -> Fleet | None:
        """The file of builds that it names.

        :raises ConfigError: when that cannot be read, or is not such a file
        """
        return read_fleet(self.variables, self.folder)

    @cached_property
    def builds(self) -> tuple[ReadBuild, ...]:
        """The builds that it describes.

        :raises ConfigError: when a variable is wrong
        """
        return read_all(self.variables, self.folder, epoch=_epoch(), fleet=self.fleet)

    @property
    def settings(self) -> dict[str, str]:
        """What sets each setting of a stage, as the user calls it."""
        given = {*self.variables, *(self.fleet.given if self.fleet else ())}
        return {"epoch": "SOURCE_DATE_EPOCH", **setting_names(VARIABLES, given)}

    @property
    def is_for_build(self) -> bool:
        """Whether it asks for all of a build, and not for some of its tasks."""
        return self.command == "run" and (not self.words or BUILD in self.words)

    @property
    def prunes_only(self) -> bool:
        """Whether it asks for nothing but to prune the cache, or the store of ``remote=``."""
        return {word for word in self.words if not word.startswith("-")} == {"cache-prune"}

    @property
    def tells_only(self) -> bool:
        """Whether it asks for nothing but what can be told without a folder to write to."""
        names = {word for word in self.words if not word.startswith("-")}
        return self.command in ("list", "help") or (bool(names) and names <= TELLING)

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
    """The builds that a command line describes. Makes the ``cache`` folder where it is needed.

    :raises ConfigError: when a variable is wrong, or a folder cannot be used
    """
    refuse_faults()
    if not asked.tells_only:
        make_cache(cache)
    check_values(asked.variables)
    check_names(tuple(asked.variables))
    _check_others(asked)
    describes_none = not _OF_NOBUILD.isdisjoint(asked.words) and not asked.fleet
    if asked.prunes_only or describes_none:
        return ()
    builds = tuple(it.build for it in asked.builds)
    for build in builds:
        if not asked.tells_only:
            guard_cache(cache, build.readers)
            check_folder(build.out)
        if build.lock and not asked.resolves_anew:
            check_build(build, read_lock_file(build.lock))
    return _as_sent(asked, asked.errand, builds) if asked.errand else builds


def _check_others(asked: Asked) -> None:
    """Refuse wrong words of tasks that are no builds, before a task is run that they need.

    :raises ConfigError: then
    """
    words = make_words(asked.variables, asked.folder)
    for variable in (*GUEST, *OTHERS):
        words.read(variable.name)
    if "shell" in asked.words:
        check_shell(words)


def _epoch() -> int | None:
    return read_epoch(os.environ.get("SOURCE_DATE_EPOCH"))


def _as_sent(asked: Asked, errand: Errand, builds: Iterable[Build]) -> tuple[Build, ...]:
    """The build of which another machine wants a part, and those of its run beside it."""
    ours = [replace(build, name=errand.build.name) for build in builds]
    for described in errand.beside:
        others = read_all(described.words, asked.folder, epoch=_epoch())
        ours += [replace(it.build, name=described.name) for it in others]
    return tuple(replace(build, lock=asked.lock) for build in ours)


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
    name = option.strip("-").partition("=")[0]
    near = nearest(name, (variable.name for variable in VARIABLES), "--{}=")
    usual = f"{near}doit help {task} explains those that it has; those of doit itself stand before"
    return ConfigError(f"the task {task} has no such option: {told}", hint=INSTEAD.get(name, usual))
