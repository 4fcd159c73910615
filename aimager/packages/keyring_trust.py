"""Whom of a keyring is trusted: keys that are pinned or that the user names, and nobody else."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from aimager import progress
from aimager.errors import TrustError
from aimager.model.distro import Keyring
from aimager.model.lock import Lock, find_package
from aimager.packages.key_advice import NO_KEY, PRIMARY_KEY_ALONE
from aimager.packages.keyring_files import KeyringFiles, keyring_files
from aimager.packages.keyring_memory import Revoked
from aimager.packages.openpgp.bound_subkeys import primary_keys_of
from aimager.packages.openpgp.public_keys import PublicKey, list_keys
from aimager.packages.openpgp.trust import Trust
from aimager.packages.verification import verify_by

_NONE = Keyring("", "", ())
"""That of keys which come from no keyring of a distribution or repository."""


@dataclass(frozen=True)
class TrustedKeys:
    """A keyring's files, and whom of it is trusted, as fingerprints of primary keys.

    ``masters`` vouch for others, each marginally, and so do those of ``believed`` that gpg takes.
    ``signers`` are trusted for what they sign themselves, and vouch for none. Keys that ``revoked``
    names the end of are left out of all.
    """

    files: KeyringFiles
    masters: tuple[str, ...]
    believed: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()
    keyring: Keyring = _NONE
    source: str = ""

    @property
    def gone(self) -> tuple[str, ...]:
        """All that are revoked, by the keyring itself or besides."""
        return (*self.files.revoked, *self.revoked)

    @cached_property
    def left_out(self) -> frozenset[str]:
        """The keys of the keyring that are revoked."""
        keys = list_keys(self.files.keys).values() if self.gone else ()
        return frozenset(key.fingerprint for key in keys if key.is_named(self.gone))

    @property
    def kept(self) -> bytes:
        """The keyring without them."""
        if not self.left_out:
            return self.files.keys
        keys = list_keys(self.files.keys).values()
        return b"".join(key.content for key in keys if key.fingerprint not in self.left_out)

    def add_to(self, trust: Trust) -> None:
        """Let ``trust`` judge by these.

        :raises TrustError: when the keyring cannot be read, or lacks a master or a signer
        """
        try:
            trust.add(
                self.files.keys,
                self.masters,
                self.gone,
                believed=self.believed,
                signers=self.signers,
            )
        except ValueError as error:
            raise _unreadable(self.source or " ".join(self.masters), error) from error

    def say(self) -> None:
        """Print who is trusted otherwise than the package has it."""
        for key in self.signers:
            progress.say(f"   the key {key} of {self.source} is trusted for what it signs itself")
        if self.keyring.believes_list:
            count = len(self.masters) + len(self.believed)
            progress.say(f"   the {count} keys that {self.source} lists are trusted")
            return
        for key in sorted({*self.files.trusted} - {*self.masters}):
            progress.say(f"   the key {key} of {self.source} is not pinned and will not be trusted")


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
            raise _unreadable(self.source, error) from error

    @cached_property
    def users(self) -> dict[str, str]:
        """The primary keys of those that the user names, as far as they are there.

        :raises TrustError: when it cannot be read
        """
        try:
            return primary_keys_of(self.keyring.user_keys, self.keys, self.files.keys)
        except ValueError as error:
            raise _unreadable(self.source, error) from error

    def is_revoked_by_owner(self, key: str) -> bool:
        """Whether it holds a revocation of a primary key by its owner, or whom that one named.

        :raises TrustError: when it cannot be read
        """
        trust = Trust()
        try:
            trust.add(self.files.keys, (), ())
        except ValueError as error:
            raise _unreadable(self.source, error) from error
        certificate = trust.certificates.get(key)
        return certificate is not None and trust.standing(certificate).is_revoked


def trusted_keys(
    keyrings: Sequence[Keyring], lock: Lock, store: Path, revoked: Revoked | None = None
) -> list[TrustedKeys]:
    """Whom of each keyring is trusted.

    :param revoked: keys that keyrings which were used before revoked
    :raises TrustError: when a keyring has none of the keys that are pinned for it, a key that the
        user names is in none, or, where a package's list is believed, the package is not signed by
        a key that the pinned ones vouch for
    """
    read = [ReadKeyring(keyring, *keyring_files(lock, store, keyring)) for keyring in keyrings]
    _check_user_keys(read)
    found = []
    for one in read:
        trusted = choose(one, (revoked or {}).get(one.keyring.name, ()))
        if one.keyring.believes_list and one.keyring.package:
            _verify_package(trusted, lock, store)
        found.append(trusted)
    return found


def _unreadable(source: str, error: ValueError) -> TrustError:
    return TrustError(f"the keyring of {source} cannot be read: {error}", hint=NO_KEY)


def _check_user_keys(read: Sequence[ReadKeyring]) -> None:
    """Check that each key that the user names is in a keyring for which it is named."""
    for key in dict.fromkeys(key for one in read for key in one.keyring.user_keys):
        having = [one for one in read if key in one.keyring.user_keys]
        if any(key in one.users for one in having):
            continue
        name, source = having[0].keyring.name, having[0].source
        if any(key in names.names for one in having for names in one.keys.values()):
            raise TrustError(
                f"the key {key}, which you trust, is in the keyring {name} ({source}) as a subkey"
                " alone, and no signature of its own says of which key",
                hint=PRIMARY_KEY_ALONE,
            )
        raise TrustError(
            f"the key {key}, which you trust, is not among the"
            f" {sum(len(one.keys) for one in having)} keys of the keyring {name} ({source})",
            hint="trust-key=, or trust-key-NAME= for a repository that you add, takes the"
            " fingerprint of a key that is there; key-file-NAME= takes the keys of such a"
            " repository from a file of yours",
        )


def choose(read: ReadKeyring, revoked: tuple[str, ...] = ()) -> TrustedKeys:
    """Whom of a keyring is trusted.

    The package could call any key a subkey of any other, so pinned and listed keys are primary
    ones. A subkey's fingerprint stands for its primary key where the user names it, and the subkey
    itself has said so.

    :raises TrustError: when nobody is, or one of them has no user id, or is revoked and the user
        names it
    """
    keyring, files, source, keys = read.keyring, read.files, read.source, read.keys
    listed = tuple(dict.fromkeys(files.trusted))
    users = dict.fromkeys(read.users.values())
    named = tuple(key for key in listed if key in users)
    masters = named or tuple(key for key in listed if key in keyring.master_keys)
    signers = tuple(key for key in users if key not in listed)
    if not masters and not signers:
        raise _nobody(keyring, files, source)
    for key in (*masters, *signers):
        if key in keys and not keys[key].has_user:
            raise TrustError(
                f"the key {key} has no user id in the keyring of {source}, and gpg takes no key"
                " without one",
                hint="some key servers leave user ids out: ask its owner for the whole key",
            )
    for key in users:
        _refuse_revoked(key, read, revoked)
    others = tuple(key for key in listed if key not in masters)
    believed = others if keyring.believes_list else ()
    return TrustedKeys(files, masters, believed, signers, revoked, keyring, source)


def _refuse_revoked(key: str, read: ReadKeyring, revoked: tuple[str, ...]) -> None:
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


def _nobody(keyring: Keyring, files: KeyringFiles, source: str) -> TrustError:
    return TrustError(
        f"the package {source} trusts the keys {' '.join(files.trusted) or '(none)'}, none of"
        f" which is pinned for the keyring {keyring.name}: {' '.join(keyring.named)}",
        hint="if you know that the keys are right, name them with trust-key=, or"
        f" with trust-key-{keyring.name}= if that is a repository which you add",
    )


def _verify_package(trusted: TrustedKeys, lock: Lock, store: Path) -> None:
    """Check that the keys which are named vouch for the package whose list is to be believed."""
    package = find_package(lock.packages, trusted.keyring.package)
    if package is None:  # as `keyring_files` has told
        return
    trust = Trust()
    trust.add(trusted.files.keys, trusted.masters, trusted.gone, signers=trusted.signers)
    verify_by(trust.status, [package], store)
