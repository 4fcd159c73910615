"""Reading which mirrors a build asks, which repositories it adds, and whose keys it trusts."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from aimager.config.key_files import with_keys
from aimager.config.parse import choices, read_addresses, split_list
from aimager.config.variable import Words
from aimager.distros import (
    DISTROS,
    PACMAN_STATIC_SOURCE,
    THIRD_PARTY_REPOSITORIES,
    platform_for_host,
)
from aimager.errors import ConfigError
from aimager.model.architecture import host_architecture
from aimager.model.board import Board
from aimager.model.build import MirrorChoice
from aimager.model.distro import Distro, Keyring, Mirrors, Platform, ThirdPartyRepository
from aimager.shown import without_credentials

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9@._-]*")
_RESERVED = ("local", "options", "parent")
"""Names that pacman itself uses, and that of repo-url-parent."""


def read_mirrors(
    board: Board,
    platform: Platform,
    repositories: tuple[ThirdPartyRepository, ...],
    words: Words,
    *,
    borrows: bool,
) -> MirrorChoice:
    """The mirrors and keys that the user names for ``platform`` and the added ``repositories``.

    A build that ``borrows`` programs asks those of the host's distribution, too.

    Credentials in the address of an added repository are for its mirror alone: they are here, and
    not in the repository, which reaches images, records and stores.

    :raises ConfigError: for what is not an address or a fingerprint, or is of a repository that
        takes no part
    """
    with_credentials = {
        name: read_addresses(url, variable=f"add-repos={name}")
        for name, url in (word.split("=", 1) for word in _added(board, words) if "=" in word)
        if without_credentials(url) != url
    }
    own, distros = _read_urls(platform, repositories, words, borrows=borrows)
    return MirrorChoice(
        parents=words.read("repo-url-parent", ()),
        repositories=tuple({**with_credentials, **own}.items()),
        trusted_keys=words.read("trust-key", ()),
        offline=words.read("offline", False),
        own_keys=tuple(words.read_many("trust-key-*")),
        older_keyring=words.read("older-keyring", False),
        distros=tuple(distros.items()),
    )


def _read_urls(
    platform: Platform,
    repositories: tuple[ThirdPartyRepository, ...],
    words: Words,
    *,
    borrows: bool,
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """The addresses of repo-url-NAME=: by repository, and by distribution."""
    names = (*platform.distro.base_repositories, *(r.id for r in repositories))
    own, distros = dict[str, tuple[str, ...]](), dict[str, tuple[str, ...]]()
    for name, urls in words.read_many("repo-url-*").items():
        repository = _meant(name, (*names, PACMAN_STATIC_SOURCE))
        distro = None if repository else _taking_part(name, platform.distro, borrows=borrows)
        if repository:
            own[repository] = urls
        elif distro:
            distros[distro.id] = urls
            _refuse_without_repo(f"repo-url-{name}", urls, distro)
        else:
            raise _unknown(name, platform.distro, names)
    return own, distros


def _meant(name: str, known: Iterable[str]) -> str | None:
    """The one of these names that is written so, or, if none is, in other cases."""
    names = tuple(known)
    if name in names:
        return name
    return next((n for n in names if n.lower() == name.lower()), None)


def _taking_part(name: str, built: Distro, *, borrows: bool) -> Distro | None:
    """The distribution of this name, if it is the one that is built, or lends its programs."""
    distro = next((d for d in DISTROS if d.is_called(name)), None)
    if distro is None or distro.id == built.id:
        return built if distro else None
    return distro if borrows and platform_for_host(host_architecture()).distro == distro else None


def _refuse_without_repo(variable: str, urls: Iterable[str], distro: Distro) -> None:
    for url in urls:
        if "$repo" not in url:
            raise ConfigError(
                f"{variable}={without_credentials(url)} is for all repositories of {distro.name},"
                " and does not say where their names belong",
                hint="write $repo there, and the whole word in single quotes, so that the shell"
                " leaves it alone",
            )


def _unknown(name: str, distro: Distro, names: Iterable[str]) -> ConfigError:
    if any(other.is_called(name) for other in DISTROS):
        return ConfigError(
            f"repo-url-{name}= is for a distribution that takes no part in the build",
            hint=f"the one that is built is {distro.id}",
        )
    known = _meant(name, (repository.id for repository in THIRD_PARTY_REPOSITORIES))
    if known:
        return ConfigError(
            f"repo-url-{name}= is for a repository that is not added",
            hint=f"add-repos={known} adds it",
        )
    return ConfigError(
        f"{distro.name} has no repository {name}",
        hint=f"repo-url-NAME= is for {choices(names)}, or for all of {distro.id}; repos-base= names"
        " its repositories, and add-repos= adds others",
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
    found = tuple(_find(word, platform) for word in _added(board, words))
    names = [repository.id for repository in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"add-repos= names {name} twice",
                hint=f"leave one of the two {name} out of add-repos=",
            )
        if name in platform.distro.base_repositories:
            raise ConfigError(
                f"{platform.distro.name} has a repository {name} itself",
                hint="leave it out of add-repos=, or give yours another name",
            )
    keys, files = (_of_added(variable, names, words) for variable in ("trust-key", "key-file"))
    return tuple(with_keys(r, keys.get(r.id, ()), files.get(r.id)) for r in found)


def _of_added(variable: str, names: Iterable[str], words: Words) -> dict[str, Any]:
    """The values of ``variable``-NAME= by the added repositories that they are for."""
    values = dict[str, Any]()
    for word, value in words.read_many(f"{variable}-*").items():
        name = _meant(word, names)
        if name is None:
            raise ConfigError(
                f"{variable}-{word}= is for a repository that is not added",
                hint=f"add-repos={word} adds it",
            )
        values[name] = value
    return values


def _added(board: Board, words: Words) -> tuple[str, ...]:
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
