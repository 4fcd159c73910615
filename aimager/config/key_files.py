"""Reading files of public keys, and which keys the user trusts of an added repository."""

import base64
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from aimager.errors import ConfigError
from aimager.model.distro import Keyring, ThirdPartyRepository
from aimager.packages.key_advice import PRIMARY_KEY_ALONE
from aimager.packages.openpgp.bound_subkeys import primary_keys_of
from aimager.packages.openpgp.public_keys import list_keys, read_public_keys


@dataclass(frozen=True)
class KeyFile:
    """Public keys as base64, and the SHA-256 of the file that they are from."""

    keys: str
    sha256: str


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
        raise ConfigError(
            f"{variable}= cannot read {path}: {error.strerror}",
            hint=f"{variable}=FILE names a file of public keys that you can read",
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"{variable}={text} {error}, and takes public keys alone",
            hint='gpg --export KEY, without any "secret", writes them to a file',
        ) from error
    return KeyFile(base64.b64encode(keys).decode(), hashlib.sha256(content).hexdigest())


def with_keys(
    repository: ThirdPartyRepository, trusted: tuple[str, ...], file: KeyFile | None
) -> ThirdPartyRepository:
    """The repository with the keys that the user trusts, and those of the file, if any.

    :raises ConfigError: when no key is to be trusted, or one of them is not usable in the file
    """
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
        keyring = replace(of_file, user_keys=_in_file(repository.id, keyring, file))
    return replace(repository, keyring=keyring)


def _in_file(name: str, keyring: Keyring, file: KeyFile) -> tuple[str, ...]:
    """The primary keys of those that are trusted, which must all be in the user's file."""
    content = base64.b64decode(file.keys)
    keys = list_keys(content)
    try:
        primary = primary_keys_of(keyring.user_keys, keys, content)
    except ValueError as error:
        raise ConfigError(
            f"the file of key-file-{name}= cannot be read: {error}",
            hint="gpg --export KEY writes the public keys that are needed to a file",
        ) from error
    trusted = {key: primary.get(key, key) for key in keyring.named}
    for key in trusted:
        if trusted[key] not in keys and any(key in known.names for known in keys.values()):
            raise ConfigError(
                f"trust-key-{name}={key}: in the file of key-file-{name}= this is a subkey alone,"
                " and no signature of its own says of which key",
                hint=PRIMARY_KEY_ALONE,
            )
        if trusted[key] not in keys:
            raise ConfigError(
                f"trust-key-{name}={key}: the file of key-file-{name}= does not have this key",
                hint=f"it has {' '.join(sorted(keys))}",
            )
        if not keys[trusted[key]].has_user:
            raise ConfigError(
                f"the key {trusted[key]} of key-file-{name}= has no user id, and gpg takes no key"
                " without one",
                hint="some key servers leave user ids out: ask its owner for the whole key, or gpg"
                " --export it where it has one",
            )
    return tuple(dict.fromkeys(trusted.values()))
