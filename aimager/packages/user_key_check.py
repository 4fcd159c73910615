"""Keyrings as they are read, and whether the keys that the user names are in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from aimager.errors import TrustError
from aimager.model.distro import Keyring
from aimager.model.lock import Lock
from aimager.packages.key_advice import NO_KEY, PRIMARY_KEY_ALONE
from aimager.packages.keyring_files import KeyringFiles, keyring_files
from aimager.packages.openpgp.bound_subkeys import primary_keys_of
from aimager.packages.openpgp.public_keys import PublicKey, list_keys
from aimager.packages.openpgp.trust import Trust


@dataclass(frozen=True)
class ReadKeyring:
    """What was read for a keyring, out of ``source``. Nothing of it is verified."""

    keyring: Keyring
    files: KeyringFiles
    source: str

    @cached_property
    def keys(self) -> dict[str, PublicKey]:
        """Its keys by the fingerprints of the primary ones.

        :raises TrustError: when it cannot be read
        """
        try:
            return list_keys(self.files.keys)
        except ValueError as error:
            raise unreadable(self.source, error) from error

    @cached_property
    def users(self) -> dict[str, str]:
        """The primary keys of those that the user names, as far as they are there.

        :raises TrustError: when it cannot be read
        """
        try:
            return primary_keys_of(self.keyring.user_keys, self.keys, self.files.keys)
        except ValueError as error:
            raise unreadable(self.source, error) from error

    def is_revoked_by_owner(self, key: str) -> bool:
        """Whether it holds a revocation of a primary key by its owner, or whom that one named.

        :raises TrustError: when it cannot be read
        """
        certificate = self._untrusting.certificates.get(key)
        return certificate is not None and self._untrusting.standing(certificate).is_revoked

    @cached_property
    def _untrusting(self) -> Trust:
        """What its keys say of one another, with none that is trusted."""
        trust = Trust()
        try:
            trust.add(self.files.keys, (), ())
        except ValueError as error:
            raise unreadable(self.source, error) from error
        return trust


@dataclass(frozen=True)
class Elsewhere:
    """The keyrings of another platform of the run, and the lock that has their packages."""

    keyrings: tuple[Keyring, ...]
    lock: Lock


def read_keyrings(keyrings: Sequence[Keyring], lock: Lock, store: Path) -> list[ReadKeyring]:
    """What ``lock`` has for each of the keyrings, or the user's own files."""
    return [ReadKeyring(keyring, *keyring_files(lock, store, keyring)) for keyring in keyrings]


def unreadable(source: str, error: ValueError) -> TrustError:
    """The error for a keyring that cannot be read."""
    return TrustError(f"the keyring of {source} cannot be read: {error}", hint=NO_KEY)


def check_user_keys(
    read: Sequence[ReadKeyring], store: Path, elsewhere: Sequence[Elsewhere]
) -> dict[str, str]:
    """Check that each key that the user names is in a keyring for which it is named.

    Several platforms of a run are for different distributions, so a key may be in the keyring of
    one of them alone.

    :returns: by the keys that are in none here, the platforms whose keyring has them
    :raises TrustError: for the first that is in no keyring at all
    """
    found = {}
    for key in dict.fromkeys(key for one in read for key in one.keyring.user_keys):
        asked = [one for one in read if key in one.keyring.user_keys]
        if any(key in one.users for one in asked):
            continue
        for other in elsewhere:
            there = read_keyrings(other.keyrings, other.lock, store)
            asked += [one for one in there if key in one.keyring.user_keys]
            if any(key in one.users for one in there):
                found[key] = other.lock.platform
                break
        else:
            raise _missing(key, asked)
    return found


def _missing(key: str, asked: Sequence[ReadKeyring]) -> TrustError:
    number = sum(len(one.keys) for one in asked)
    names = " or ".join(f"{one.keyring.name} ({one.source})" for one in asked)
    having = next((one for one in asked if any(key in k.names for k in one.keys.values())), None)
    if having:
        return TrustError(
            f"the key {key}, which you trust, is in the keyring {having.keyring.name}"
            f" ({having.source}) as a subkey alone, and no signature of its own says of which key",
            hint=PRIMARY_KEY_ALONE,
        )
    return TrustError(
        f"the key {key}, which you trust, is not among the {number} keys of the keyring {names}",
        hint="trust-key=, or trust-key-NAME= for a repository that you add, takes the"
        " fingerprint of a key that is there; key-file-NAME= takes the keys of such a"
        " repository from a file of yours",
    )


def refuse_revoked(key: str, read: ReadKeyring, revoked: tuple[str, ...]) -> None:
    """Check that the keyring, one that was used before, or its owner has not revoked a key."""
    if read.keys[key].is_named(read.files.revoked):
        by = f"the keyring {read.keyring.name} ({read.source})"
    elif read.keys[key].is_named(revoked):
        by = f"a keyring {read.keyring.name} that was used before {read.source}"
    elif read.is_revoked_by_owner(key):
        by = f"its owner, as {read.source} has it"
    else:
        return
    raise TrustError(
        f"the key {key}, which you trust, has been revoked by {by}",
        hint="leave it out of trust-key=, or of trust-key-NAME= for a repository that you add; its"
        " owner may have a newer key",
    )
