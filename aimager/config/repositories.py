"""Reading which repositories a build has, and whose keys it trusts."""

import re
from collections.abc import Container, Iterable
from dataclasses import replace
from typing import Any

from aimager.config.key_files import with_keys
from aimager.config.parse import choices, read_addresses, split_list
from aimager.config.variable import NotForBoardError, Words
from aimager.distros import THIRD_PARTY_REPOSITORIES
from aimager.errors import ConfigError
from aimager.model.board import Board
from aimager.model.distro import Distro, Keyring, Mirrors, Platform, ThirdPartyRepository
from aimager.shown import without_credentials

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9@._-]*")
_RESERVED = ("local", "options", "parent")
"""Names that pacman itself uses, and that of repo-url-parent."""


def meant_name(name: str, known: Iterable[str]) -> str | None:
    """The one of these names that is written so, or, if none is, in other cases."""
    names = tuple(known)
    if name in names:
        return name
    return next((n for n in names if n.lower() == name.lower()), None)


def refuse_second(variable: str, word: str, name: str, known: Container[str]) -> None:
    """Refuse ``variable``-``word``= where another spelling of ``name`` has been ``known``.

    :raises ConfigError: then
    """
    if name in known:
        raise ConfigError(
            f"{variable}-{word}= is given twice, the other time by another spelling of {name}",
            hint="leave one of the two out",
        )


def with_own_repositories(platform: Platform, words: Words) -> Platform:
    """The platform with the repositories that repos-base= names as its own.

    That of repo-core= takes the place of the first, unless it is among them.

    :raises ConfigError: for what cannot be the name of a repository
    """
    distro = platform.distro
    core = words.read("repo-core") or distro.core_repository
    base = words.read("repos-base") or distro.base_repositories
    if core not in base:
        base = (core, *base[1:])
    return replace(platform, distro=replace(distro, core_repository=core, base_repositories=base))


def read_repository_names(text: str, *, variable: str) -> tuple[str, ...]:
    """Names of repositories.

    :raises ConfigError: for what cannot be one
    """
    names = split_list(text)
    for name in names:
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise ConfigError(
                f"{variable}={name} is not a valid name of a repository",
                hint="write it as core, or core,extra",
            )
    return names


def read_repository_name(text: str, *, variable: str) -> str:
    """The name of one repository.

    :raises ConfigError: for what cannot be one
    """
    if read_repository_names(text, variable=variable) != (text,):
        raise ConfigError(
            f"{variable}={text} is not a valid name of a repository", hint="write it as core"
        )
    return text


def read_repositories(
    board: Board, platform: Platform, words: Words
) -> tuple[ThirdPartyRepository, ...]:
    """The repositories that the board and the user add, each with the keys to trust.

    :raises ConfigError: for one that is not known, not for the platform, or has no key to trust
    """
    found = tuple(_find(word, platform) for word in added_words(board, words))
    names = [repository.id for repository in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"add-repos= names {name} twice", hint="leave one of the two out")
        if name in platform.distro.base_repositories:
            raise ConfigError(
                f"{platform.distro.name} has a repository {name} itself",
                hint="leave it out of add-repos=, or give yours another name",
            )
    distro = platform.distro
    keys, files = (_of_added(v, names, words, distro) for v in ("trust-key", "key-file"))
    first, for_build = (
        _named_again(v, names, words, distro) for v in ("repos-first", "repos-for-build")
    )
    return tuple(
        replace(
            with_keys(r, keys.get(r.id, ()), files.get(r.id)),
            comes_first=r.id in first,
            is_for_build=r.id in for_build,
        )
        for r in found
    )


def _named_again(variable: str, names: Iterable[str], words: Words, distro: Distro) -> set[str]:
    """The added repositories that ``variable`` names.

    :raises ConfigError: when one of them is not added
    """
    chosen = set[str]()
    named: tuple[str, ...] = words.read(variable, ())
    for word in named:
        name = meant_name(word, names)
        if name is None:
            others = ",".join(other for other in named if other != word)
            raise _not_added(word, distro, variable, word, others)
        chosen.add(name)
    return chosen


def _of_added(variable: str, names: Iterable[str], words: Words, distro: Distro) -> dict[str, Any]:
    """The values of ``variable``-NAME= by the added repositories that they are for."""
    values = dict[str, Any]()
    for word, value in words.read_many(f"{variable}-*").items():
        name = meant_name(word, names)
        if name is None:
            raise _not_added(word, distro, f"{variable}-{word}")
        refuse_second(variable, word, name, values)
        values[name] = value
    return values


def _not_added(
    name: str, distro: Distro, variable: str, part: str = "", rest: str = ""
) -> NotForBoardError:
    known = meant_name(name, (repository.id for repository in THIRD_PARTY_REPOSITORIES))
    hint = f"add-repos={known or f'{name}=URL'} adds it"
    if meant_name(name, distro.base_repositories):
        hint = f"{name} is {distro.name}'s own, and this is for those of add-repos= alone"
    return NotForBoardError(
        f"{variable}={part} is for a repository that is not added",
        hint=hint,
        variable=variable,
        part=part,
        rest=rest,
    )


def added_words(board: Board, words: Words) -> tuple[str, ...]:
    """What names the added repositories, the board's own first."""
    return tuple(dict.fromkeys((*board.repositories, *words.read("add-repos", ()))))


def _find(word: str, platform: Platform) -> ThirdPartyRepository:
    name, own, url = word.partition("=")
    known = {repository.id.lower(): repository for repository in THIRD_PARTY_REPOSITORIES}
    if own and name.lower() in known:
        raise ConfigError(
            f"add-repos={word}: {name} is a known repository",
            hint=f"write add-repos={name} repo-url-{name}={url}",
        )
    if own:
        return _make_own(name, url, platform)
    if name.lower() not in known:
        raise ConfigError(
            f"there is no repository {name}",
            hint=f"add-repos= takes {choices(r.id for r in known.values())}, or NAME=URL",
        )
    repository = known[name.lower()]
    if platform.architecture not in repository.architectures:
        raise ConfigError(
            f"the repository {repository.id} is not for {platform.architecture}",
            hint=f"it is for {choices(repository.architectures)}",
        )
    return repository


def _make_own(name: str, url: str, platform: Platform) -> ThirdPartyRepository:
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise ConfigError(
            f"add-repos={name}={url}: {name} is not a valid name of a repository",
            hint="write it as mine=https://mirror.example/$arch",
        )
    (address,) = read_addresses(url, variable=f"add-repos={name}")
    return ThirdPartyRepository(
        id=name,
        architectures=(platform.architecture,),
        mirrors=Mirrors(path="", url=without_credentials(address)),
        keyring=Keyring(name=name, package=f"{name}-keyring", master_keys=()),
    )
