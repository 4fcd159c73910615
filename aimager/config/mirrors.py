"""Reading which mirrors a build asks."""

from collections.abc import Iterable

from aimager.config.parse import choices, read_addresses
from aimager.config.repositories import added_words, meant_name, refuse_second
from aimager.config.variable import NotForBoardError, Words
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
from aimager.model.distro import Distro, Platform, ThirdPartyRepository
from aimager.shown import without_credentials


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
        for name, url in (word.split("=", 1) for word in added_words(board, words) if "=" in word)
        if without_credentials(url) != url
    }
    own, distros = _read_urls(platform, repositories, words, borrows=borrows)
    return MirrorChoice(
        parents=words.read("repo-url-parent", ()),
        repositories=tuple({**with_credentials, **own}.items()),
        trusted_keys=words.read("trust-key", ()),
        offline=words.read("offline", False),
        own_keys=tuple(r.id for r in repositories if r.keyring.user_keys),
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
        repository = meant_name(name, (*names, PACMAN_STATIC_SOURCE))
        distro = None if repository else _taking_part(name, platform.distro, borrows=borrows)
        if repository:
            refuse_second("repo-url", name, repository, own)
            own[repository] = urls
        elif distro:
            refuse_second("repo-url", name, distro.id, distros)
            distros[distro.id] = urls
            _refuse_without_repo(f"repo-url-{name}", urls, distro)
        else:
            raise _unknown(name, platform.distro, names)
    return own, distros


def _taking_part(name: str, built: Distro, *, borrows: bool) -> Distro | None:
    """The distribution of this name, if it is the one that is built, or lends its programs."""
    if built.is_called(name):
        return built
    distro = next((d for d in DISTROS if d.is_called(name)), None)
    if distro is None:
        return None
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


def _unknown(name: str, distro: Distro, names: Iterable[str]) -> NotForBoardError:
    variable = f"repo-url-{name}"
    if any(other.is_called(name) for other in DISTROS):
        return NotForBoardError(
            f"{variable}= is for a distribution that takes no part in the build",
            hint=f"the one that is built is {distro.id}",
            variable=variable,
        )
    known = meant_name(name, (repository.id for repository in THIRD_PARTY_REPOSITORIES))
    if known:
        return NotForBoardError(
            f"{variable}= is for a repository that is not added",
            hint=f"add-repos={known} adds it",
            variable=variable,
        )
    return NotForBoardError(
        f"{distro.name} has no repository {name}",
        hint=f"repo-url-NAME= is for {choices(names)}, or for all of {distro.id}; repos-base= names"
        " its repositories, and add-repos= adds others",
        variable=variable,
    )
