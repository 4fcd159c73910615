"""Reading which mirrors a build asks, which repositories it adds, and whose keys it trusts."""

import base64
import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path

from aimager.config.parse import choices, read_addresses, split_list
from aimager.config.variable import Words
from aimager.distros import THIRD_PARTY_REPOSITORIES
from aimager.errors import ConfigError
from aimager.model.board import Board
from aimager.model.build import MirrorChoice
from aimager.model.distro import Keyring, Mirrors, Platform, ThirdPartyRepository
from aimager.packages.openpgp.public_keys import list_keys, primary_names, read_public_keys
from aimager.shown import without_credentials

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9@._-]*")
_RESERVED = ("local", "options", "parent")
"""Names that pacman itself uses, and that of repo-url-parent."""


@dataclass(frozen=True)
class KeyFile:
    """Public keys as base64, and the SHA-256 of the file that they are from."""

    keys: str
    sha256: str


def read_mirrors(board: Board, words: Words) -> MirrorChoice:
    """The mirrors and keys that the user names.

    Credentials in the address of an added repository are for its mirror alone: they are here, and
    not in the repository, which reaches images, records and stores.

    :raises ConfigError: for what is not an address or a fingerprint
    """
    with_credentials = {
        name: read_addresses(url, variable=f"add-repos={name}")
        for name, url in (word.split("=", 1) for word in _added(board, words) if "=" in word)
        if without_credentials(url) != url
    }
    return MirrorChoice(
        parents=words.read("repo-url-parent", ()),
        repositories=tuple({**with_credentials, **words.read_many("repo-url-*")}.items()),
        trusted_keys=words.read("trust-key", ()),
        offline=words.read("offline", False),
        own_keys=tuple(words.read_many("trust-key-*")),
        older_keyring=words.read("older-keyring", False),
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


def read_key_file(text: str, folder: Path, *, variable: str) -> KeyFile | None:
    """The public keys in a file; None for an empty text.

    :raises ConfigError: when it cannot be read, or holds a private key or anything else
    """
    if not text:
        return None
    path = folder / text
    try:
        content = path.read_bytes()
        keys = read_public_keys(content)
    except OSError as error:
        raise ConfigError(f"{variable}= cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(
            f"{variable}={text} {error}, and takes public keys alone",
            hint='gpg --export KEY, without any "secret", writes them to a file',
        ) from error
    return KeyFile(base64.b64encode(keys).decode(), hashlib.sha256(content).hexdigest())


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
            raise ConfigError(f"add-repos= names {name} twice")
    keys, files = words.read_many("trust-key-*"), words.read_many("key-file-*")
    for variable, given in (("trust-key", keys), ("key-file", files)):
        for name in given:
            if name not in names:
                raise ConfigError(
                    f"{variable}-{name}= is for a repository that is not added",
                    hint=f"add-repos={name} adds it",
                )
    return tuple(_with_keys(r, keys.get(r.id, ()), files.get(r.id)) for r in found)


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


def _with_keys(
    repository: ThirdPartyRepository, trusted: tuple[str, ...], file: KeyFile | None
) -> ThirdPartyRepository:
    keyring = replace(repository.keyring, user_keys=trusted)
    if not keyring.named:
        raise ConfigError(
            f"trust-key-{repository.id}= is missing, because no key is pinned for the repository"
            f" {repository.id}",
            hint="it takes the fingerprints of its master keys, from a source that you trust:"
            " gpg --fingerprint KEY",
        )
    if file:
        of_file = replace(keyring, package="", keys=file.keys, key_sha256=file.sha256)
        keyring = replace(of_file, user_keys=_in_file(repository.id, keyring.named, file))
    return replace(repository, keyring=keyring)


def _in_file(name: str, trusted: tuple[str, ...], file: KeyFile) -> tuple[str, ...]:
    """The primary keys of those that are trusted, which must all be in the user's file."""
    keys = list_keys(base64.b64decode(file.keys))
    primary = primary_names(keys)
    for key in trusted:
        if key not in primary:
            raise ConfigError(
                f"trust-key-{name}={key}: the file of key-file-{name}= does not have this key",
                hint=f"it has {' '.join(sorted(keys))}",
            )
        if not keys[primary[key]].has_user:
            raise ConfigError(
                f"the key {primary[key]} of key-file-{name}= has no user id, and gpg takes no key"
                " without one",
                hint="some key servers leave user ids out: ask its owner for the whole key, or gpg"
                " --export it where it has one",
            )
    return tuple(dict.fromkeys(primary[key] for key in trusted))
