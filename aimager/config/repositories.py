"""Reading which mirrors a build asks, which repositories it adds, and whose keys it trusts."""

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from aimager.config.parse import choices, read_addresses, read_fingerprints, read_yes, split_list
from aimager.config.variables import KEY_FILE, REPOSITORY_URL, TRUST_KEY, Variable
from aimager.distros import THIRD_PARTY_REPOSITORIES
from aimager.errors import ConfigError
from aimager.model.board import Board
from aimager.model.build import MirrorChoice
from aimager.model.distro import Keyring, Mirrors, Platform, ThirdPartyRepository

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9@._-]*")
_RESERVED = ("local", "options", "parent")
"""pacman's own names, and that of repo-url-parent."""


def read_mirrors(variables: Mapping[str, str]) -> MirrorChoice:
    """The mirrors and keys that the user names.

    :raises ConfigError: for what is no address or no fingerprint
    """
    addresses = {
        name: read_addresses(value, variable=f"repo-url-{name}")
        for name, value in _many(REPOSITORY_URL, variables).items()
    }
    return MirrorChoice(
        parents=addresses.pop("parent", ()),
        repositories=tuple(addresses.items()),
        trusted_keys=read_fingerprints(variables.get("trust-key", ""), variable="trust-key"),
        offline=read_yes(variables.get("offline", "no"), variable="offline"),
        own_keys=tuple(_many(TRUST_KEY, variables)),
    )


def with_own_repositories(platform: Platform, variables: Mapping[str, str]) -> Platform:
    """The platform with the repositories that repo-core= and repos-base= name as its own.

    :raises ConfigError: for what is no name for a repository
    """
    distro = platform.distro
    core = variables.get("repo-core", distro.core_repository)
    base = split_list(variables.get("repos-base", ""))
    for variable, names in (("repo-core", (core,)), ("repos-base", base)):
        for name in names:
            if not _NAME.fullmatch(name) or name in _RESERVED:
                raise ConfigError(
                    f"{variable}={name} is no name for a repository",
                    hint="write it as core, or core,extra",
                )
    own = replace(distro, core_repository=core, base_repositories=base or distro.base_repositories)
    return replace(platform, distro=own)


def _many(variable: Variable, variables: Mapping[str, str]) -> dict[str, str]:
    """The values of a variable that stands for many, by what its ``*`` stands for."""
    return {
        variable.stem(name): value
        for name, value in sorted(variables.items())
        if variable.matches(name)
    }


def read_repositories(
    board: Board, platform: Platform, variables: Mapping[str, str], folder: Path
) -> tuple[ThirdPartyRepository, ...]:
    """The repositories that the board and the user add, each with the keys to trust.

    :raises ConfigError: for one that is not known, not for the platform, or has no key to trust
    """
    words = tuple(dict.fromkeys((*board.repositories, *split_list(variables.get("add-repos", "")))))
    found = tuple(_find(word, platform) for word in words)
    names = [repository.id for repository in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"add-repos= names {name} twice")
    keys, files = _many(TRUST_KEY, variables), _many(KEY_FILE, variables)
    for variable, given in (("trust-key", keys), ("key-file", files)):
        for name in given:
            if name not in names:
                raise ConfigError(
                    f"{variable}-{name}= is for a repository that is not added",
                    hint=f"add-repos={name} adds it",
                )
    return tuple(_with_keys(r, keys.get(r.id, ""), files.get(r.id, ""), folder) for r in found)


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
            f"add-repos={name}={url}: {name} is no name for a repository",
            hint="write it as mine=https://mirror.example/$arch",
        )
    (address,) = read_addresses(url, variable=f"add-repos={name}")
    return ThirdPartyRepository(
        id=name,
        architectures=(platform.architecture,),
        mirrors=Mirrors(path="", url=address),
        keyring=Keyring(name=name, package=f"{name}-keyring", master_keys=()),
    )


def _with_keys(
    repository: ThirdPartyRepository, fingerprints: str, file: str, folder: Path
) -> ThirdPartyRepository:
    variable = f"trust-key-{repository.id}"
    trusted = read_fingerprints(fingerprints, variable=variable)
    keyring = replace(repository.keyring, master_keys=trusted or repository.keyring.master_keys)
    if not keyring.master_keys:
        raise ConfigError(
            f"{variable}= is missing, for no key is pinned for the repository {repository.id}",
            hint="it takes the fingerprints of its master keys, from where you trust them to be"
            " right: gpg --fingerprint KEY",
        )
    if file:
        try:
            content = (folder / file).read_bytes()
        except OSError as error:
            raise ConfigError(
                f"key-file-{repository.id}= cannot read {folder / file}: {error.strerror}"
            ) from error
        keyring = replace(keyring, package="", keys=base64.b64encode(content).decode())
    return replace(repository, keyring=keyring)
