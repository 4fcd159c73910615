"""Whom of a keyring is trusted: keys that are pinned or that the user names, and nobody else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from aimager import progress
from aimager.errors import TrustError
from aimager.model.distro import Keyring
from aimager.model.lock import Lock, find_package
from aimager.packages.keyring_files import KeyringFiles
from aimager.packages.keyring_memory import Revoked
from aimager.packages.openpgp.public_keys import PublicKey, list_keys
from aimager.packages.openpgp.trust import Trust
from aimager.packages.user_key_check import (
    Elsewhere,
    ReadKeyring,
    check_user_keys,
    read_keyrings,
    refuse_revoked,
    unreadable,
)
from aimager.packages.verification import verify_by

_NONE = Keyring("", "", ())
"""That of keys which come from no keyring of a distribution or repository."""


@dataclass(frozen=True)
class TrustedKeys:
    """A keyring's files, and whom of it is trusted, as fingerprints of primary keys.

    ``masters`` vouch for others, each marginally, and so do those of ``believed`` that gpg takes.
    ``signers`` are trusted for what they sign themselves, and vouch for none. Keys that ``revoked``
    names the end of are left out of all. ``lacking`` are those of the user that are not there, and
    the platforms whose keyrings have them.
    """

    files: KeyringFiles
    masters: tuple[str, ...]
    believed: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()
    keyring: Keyring = _NONE
    source: str = ""
    lacking: Mapping[str, str] = field(default_factory=dict)

    @property
    def vouchers(self) -> tuple[str, ...]:
        """All who vouch for others."""
        return (*self.masters, *self.believed)

    @property
    def gone(self) -> tuple[str, ...]:
        """All that are revoked, by the keyring itself or besides."""
        return (*self.files.revoked, *self.revoked)

    @cached_property
    def left_out(self) -> frozenset[str]:
        """The keys of the keyring that are revoked."""
        keys = self._keys.values() if self.gone else ()
        return frozenset(key.fingerprint for key in keys if key.is_named(self.gone))

    @cached_property
    def _keys(self) -> dict[str, PublicKey]:
        return list_keys(self.files.keys)

    @property
    def kept(self) -> bytes:
        """The keyring without them."""
        if not self.left_out:
            return self.files.keys
        keys = self._keys.values()
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
            raise unreadable(self.source or " ".join(self.masters), error) from error

    def say(self) -> None:
        """Print who is trusted otherwise than the package has it."""
        for key, platform in self.lacking.items():
            progress.say(
                f"   the key {key}, which you trust, is not in {self.source}, but in a keyring of"
                f" {platform}"
            )
        for key in self.signers:
            progress.say(f"   the key {key} of {self.source} is trusted for what it signs itself")
        if self.keyring.believes_list:
            count = len(self.masters) + len(self.believed)
            progress.say(f"   the {count} keys that {self.source} lists are trusted")
            return
        for key in sorted({*self.files.trusted} - {*self.masters}):
            progress.say(f"   the key {key} of {self.source} is not pinned and will not be trusted")


def trusted_keys(
    keyrings: Sequence[Keyring],
    lock: Lock,
    store: Path,
    revoked: Revoked | None = None,
    elsewhere: Sequence[Elsewhere] = (),
) -> list[TrustedKeys]:
    """Whom of each keyring is trusted.

    :param revoked: keys that keyrings which were used before revoked
    :param elsewhere: keyrings for which the user's keys are named, too
    :raises TrustError: when a keyring has none of the keys that are pinned for it, a key that the
        user names is in none, or, where a package's list is believed, the package is not signed by
        a key that the pinned ones vouch for
    """
    read = read_keyrings(keyrings, lock, store)
    lacking = check_user_keys(read, store, elsewhere)
    found = []
    for one in read:
        trusted = choose(one, (revoked or {}).get(one.keyring.name, ()))
        if one.keyring.believes_list and one.keyring.package:
            _verify_package(trusted, lock, store)
        own = {key: lacking[key] for key in one.keyring.user_keys if key in lacking}
        found.append(replace(trusted, lacking=own))
    return found


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
        refuse_revoked(key, read, revoked)
    others = tuple(key for key in listed if key not in masters)
    believed = others if keyring.believes_list else ()
    return TrustedKeys(files, masters, believed, signers, revoked, keyring, source)


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
    replace(trusted, believed=()).add_to(trust)
    verify_by(trust.status, [package], store)
