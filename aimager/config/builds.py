"""Reading all builds of a run: one, one of each board of ``board=``, or those of a file."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aimager.config.build import read_build
from aimager.config.fleet import BUILDS, Fleet, NamedWords
from aimager.config.list_files import with_lists
from aimager.config.parse import split_list
from aimager.config.run_variables import RUN
from aimager.config.variable import NotForBoardError, Words
from aimager.config.variables import make_words
from aimager.errors import ConfigError
from aimager.model.build import Build

_WHOLE_RUN = frozenset(
    {"lock", "report", "readable-by", *(v.name for v in RUN if v.name != "check-twice")}
)
"""Variables that all builds of a run have in common."""

_WORD = re.compile(r"(?<![\w-])([a-z][A-Za-z0-9@._+-]*)=")

_LeftOut = dict[tuple[str, str], NotForBoardError]
"""What is said of words that are not for a build's board, by variables and parts of values."""


@dataclass(frozen=True)
class ReadBuild:
    """A build, and the words that it was read from, without those that are not for its board."""

    build: Build
    words: Words


@dataclass(frozen=True)
class _Described:
    """The words of one build before they are read; those of a fleet's file are ``named``."""

    words: Mapping[str, str]
    named: NamedWords | None = None


def read_fleet(variables: Mapping[str, str], folder: Path) -> Fleet | None:
    """The file that ``builds=`` names; None where it names none.

    :raises ConfigError: for a file that cannot be read, or ``only=`` without one
    """
    name = variables.get("builds")
    if name == "":
        raise ConfigError("builds= is empty", hint="it names a file, as builds=fleet.toml")
    if name is None and "only" in variables:
        raise ConfigError(
            "only= picks some builds of a file, and no file is named", hint="builds=FILE names it"
        )
    return Fleet(folder / name) if name else None


def read_builds(
    variables: Mapping[str, str],
    folder: Path,
    *,
    epoch: int | None = None,
    fleet: Fleet | None = None,
) -> tuple[Build, ...]:
    """The builds of `read_all`, which raises the same."""
    return tuple(it.build for it in read_all(variables, folder, epoch=epoch, fleet=fleet))


def read_all(
    variables: Mapping[str, str],
    folder: Path,
    *,
    epoch: int | None = None,
    fleet: Fleet | None = None,
) -> tuple[ReadBuild, ...]:
    """The builds that ``variables`` describe: those of ``fleet``, or one for each board.

    Each takes the words that are for its board; one that is for none of the builds is refused.

    :raises ConfigError: as `read_build`, and for builds that cannot be made together; of a word of
        the fleet's file it says where that stands
    """
    variables = with_lists(variables, folder)
    described = _of_fleet(fleet, variables) if fleet else _of_boards(variables)
    found, left_out = list[ReadBuild](), list[_LeftOut]()
    for it in described:
        read, without = _read_one(it, folder, epoch, fleet)
        found += [read] if read else []
        left_out.append(without)
    _check_left_out(described, left_out, fleet, is_part="only" in variables)
    _check_ids([it.build for it in found])
    return tuple(found)


def _check_ids(builds: Sequence[Build]) -> None:
    """Refuse builds whose tasks would have the same names."""
    platforms = {build.platform.id for build in builds}
    for n, build in enumerate(builds):
        if build.name in platforms:  # as is a task of check-twice=
            raise ConfigError(
                f"the build {build.name} is named as the platform of one is",
                hint="give it another name",
            )
        if build.id in [other.id for other in builds[:n]]:
            raise ConfigError(
                f"two of the boards have the same id: {build.id}",
                hint="give each board an id of its own, or build them one after the other",
            )


def _of_boards(variables: Mapping[str, str]) -> list[_Described]:
    names = split_list(variables.get("board", ""))
    boards = [{"board": name} for name in names] or [{}]
    return [_Described({**variables, **board}) for board in boards]


def _of_fleet(fleet: Fleet, variables: Mapping[str, str]) -> list[_Described]:
    given = {name: text for name, text in variables.items() if name not in ("builds", "only")}
    chosen = fleet.choose(given, variables.get("only"))
    _check_together(chosen, fleet)
    return [_Described(it.words, it) for it in chosen]


def _read_one(
    described: _Described, folder: Path, epoch: int | None, fleet: Fleet | None
) -> tuple[ReadBuild | None, _LeftOut]:
    """A build without the words that are not for its board, and what is said of these."""
    named, words = described.named, dict(described.words)
    elsewhere = dict.fromkeys(named.keys, fleet.folder) if named and fleet else {}
    left_out = _LeftOut()
    while True:
        try:
            words = with_lists(words, folder, elsewhere)
            name = named.name if named else ""
            build = read_build(words, folder, epoch=epoch, name=name, elsewhere=elsewhere)
            if fleet and named and build is None:
                raise ConfigError("board= is missing", hint="name it, or distro= alone")
            read = ReadBuild(build, make_words(words, folder, elsewhere)) if build else None
            return read, left_out
        except NotForBoardError as error:
            left_out[error.variable, error.part] = error
            del words[error.variable]
            words |= {error.variable: error.rest} if error.rest else {}
        except ConfigError as error:
            raise _located(error, named, fleet) from error


def _located(error: ConfigError, named: NamedWords | None, fleet: Fleet | None) -> ConfigError:
    """The same error, which tells where in the fleet's file its word stands, or its build."""
    if named is None or fleet is None:
        return error
    told = _WORD.findall(error.message) or _quoted(error.message, named)
    if any(name in named.words and name not in named.keys for name in told[:1]):
        return error  # of a word of the command line
    key = next((named.keys[name] for name in told if name in named.keys), named.key)
    return fleet.file.error(error.message, key, hint=error.hint)


def _quoted(message: str, named: NamedWords) -> list[str]:
    """The variables of which ``message`` repeats a value, as "there is no board rpi44" does."""
    said = message.split()
    return [
        name for name, text in named.words.items() if not set(split_list(text)).isdisjoint(said)
    ]


def _check_left_out(
    described: Sequence[_Described],
    left_out: Sequence[_LeftOut],
    fleet: Fleet | None,
    *,
    is_part: bool,
) -> None:
    """Refuse a word that none of the builds which have it takes.

    Where they are only a part of the fleet, its words for several builds may be for others.
    """
    for n, without in enumerate(left_out):
        for (variable, part), error in without.items():
            origin = _origin(described[n], variable)
            if is_part and not _is_own(described[n].named, variable):
                continue
            having = [
                other
                for it, other in zip(described, left_out, strict=True)
                if variable in it.words and _origin(it, variable) == origin
            ]
            if all({(variable, part), (variable, "")} & other.keys() for other in having):
                raise _located(error, described[n].named, fleet)


def _is_own(named: NamedWords | None, variable: str) -> bool:
    """Whether a word is not of several builds of a file, but of one, or of the command line."""
    if named is None or variable not in named.keys:
        return True
    return named.keys[variable][:2] == (BUILDS, named.name)


def _origin(described: _Described, variable: str) -> object:
    """Where a word is from: the key in the file, or the command line."""
    return described.named.keys.get(variable) if described.named else None


def _check_together(chosen: Sequence[NamedWords], fleet: Fleet) -> None:
    """Refuse builds that differ in what is about the whole run."""
    for variable in sorted(_WHOLE_RUN):
        for one, other in itertools.pairwise(chosen):
            if one.words.get(variable) != other.words.get(variable):
                keys = [it.keys[variable] for it in (one, other) if variable in it.keys]
                raise fleet.file.error(
                    f"{variable}= is for the whole run, and the builds {one.name} and {other.name}"
                    " differ in it",
                    keys[-1],
                    hint="put it under [defaults], or build them one after the other with only=",
                )
