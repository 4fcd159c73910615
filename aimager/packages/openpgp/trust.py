"""Whether OpenPGP signatures are by keys that are trusted, decided as gpg decides it, without gpg.

It is for the packages of the programs that all else is done with, gpg among them. A key is valid
if it is trusted itself, or if one of its user ids is certified by enough that are: by one of full
or by three of marginal ownertrust (GnuPG's g10/trustdb.c).
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from aimager.errors import TrustError
from aimager.packages.openpgp.certificate import (
    Certificate,
    is_certification,
    is_weak,
    newest,
    read_certificates,
)
from aimager.packages.openpgp.key import HASHES, Key
from aimager.packages.openpgp.packets import packets
from aimager.packages.openpgp.signature import PACKET, Kind, Signature, parse

_WEIGHTS = {"4": 1, "5": 3, "6": 3}
"""The weight of a certification, by the ownertrust of its maker: marginal, full, ultimate."""
_ENOUGH = 3

_CHUNK = 1 << 20


class Trust:
    """Keys, some of which are trusted to vouch for others, at a time in seconds.

    It is of one thread until all keys are there, and of as many as one likes then.
    """

    def __init__(self, now: float | None = None) -> None:
        """Begin without keys; without ``now``, it is the time of day."""
        self.now = time.time() if now is None else now
        self.primaries: dict[str, Key] = {}
        self.certificates: dict[str, Certificate] = {}
        self.trusted: dict[str, str] = {}

    def add(self, keyring: bytes, trusted: Mapping[str, str], revoked: tuple[str, ...]) -> None:
        """Add a keyring, binary or ASCII-armoured.

        :param trusted: ownertrust, in gpg's numbers, by the fingerprints of keys
        :param revoked: fingerprints or key ids of keys that are left out again
        :raises ValueError: when the keyring is not whole
        :raises TrustError: when a trusted key is not in it
        """
        for name, certificate in read_certificates(keyring).items():
            self.primaries[name] = certificate.key
            known = self.certificates.setdefault(name, certificate)
            if known is not certificate:
                known.merge(certificate)
        for name, level in trusted.items():
            if name not in self.primaries:
                raise TrustError(f"the pinned key {name} is not among the keyring's keys")
            self.trusted[name] = level
        for name in [name for name in self.certificates if revoked and name.endswith(revoked)]:
            del self.certificates[name]

    def _masters(self) -> Iterator[tuple[Key, int]]:
        """The trusted keys that are live, and what the word of each counts."""
        for name, level in self.trusted.items():
            certificate = self.certificates.get(name)
            if (
                certificate
                and not certificate.is_revoked(self.primaries.get)
                and certificate.expires(self.now) > self.now
                and any(certificate.live_users(self.now))
            ):
                yield certificate.key, _WEIGHTS.get(level, 0)

    def is_valid(self, certificate: Certificate) -> bool:
        """Whether enough trusted keys vouch for whose certificate it is."""
        masters = list(self._masters())
        return any(key == certificate.key for key, _ in masters) or any(
            sum(weight for key, weight in masters if self._vouches(key, certificate, user))
            >= _ENOUGH
            for user, _ in certificate.live_users(self.now)
        )

    def _vouches(self, master: Key, certificate: Certificate, user: bytes) -> bool:
        last = newest(
            s
            for s in certificate.users[user]
            if is_certification(s)
            and master.is_issuer(s)
            and not is_weak(s)
            and not s.has_expired(self.now)
            and master.verifies(s, certificate.over_user(user))
        )
        return last is not None and last.kind != Kind.USER_REVOCATION

    def status(self, signature: Path, content: Path) -> dict[str, list[str]]:
        """What gpg's status lines would say (GnuPG's doc/DETAILS), by their first words.

        One binary signature over ``content`` is looked for; empty if there is none.
        """
        made = _read_signature(signature)
        if made is None:
            return {}
        found = next(self._signers(made), None)
        if found is None:
            return {"NO_PUBKEY": [made.issuer[-16:]]}
        certificate, key = found
        named = [key.id, *certificate.user(self.now).split()]
        if made.created < key.created or not key.verifies(made, _chunks(content)):
            return {"BADSIG": named}
        words = {"VALIDSIG": [key.fingerprint]}
        if self._is_revoked(certificate, key):
            return {**words, "REVKEYSIG": named}
        if made.has_expired(self.now):
            return {**words, "EXPSIG": named}
        expires = self._expires(certificate, key)
        if expires <= self.now:
            return {**words, "EXPKEYSIG": named, "KEYEXPIRED": [str(int(expires))]}
        trust = "TRUST_FULLY" if self.is_valid(certificate) else "TRUST_UNDEFINED"
        return {**words, "GOODSIG": named, trust: []}

    def _is_revoked(self, certificate: Certificate, key: Key) -> bool:
        return certificate.is_revoked(self.primaries.get) or (
            key != certificate.key and certificate.subkey_is_revoked(key)
        )

    def _expires(self, certificate: Certificate, key: Key) -> float:
        whole = certificate.expires(self.now)
        if key == certificate.key:
            return whole
        return min(whole, certificate.subkey_expires(key, self.now))

    def _signers(self, made: Signature) -> Iterator[tuple[Certificate, Key]]:
        """The keys for signing data that a signature can be by."""
        for certificate in self.certificates.values():
            if certificate.key.is_issuer(made) and certificate.may_sign(self.now):
                yield certificate, certificate.key
            for subkey in certificate.subkeys:
                if subkey.is_issuer(made) and certificate.subkey_may_sign(subkey, self.now):
                    yield certificate, subkey


def _read_signature(path: Path) -> Signature | None:
    """The one signature over binary data that a file consists of; None where it does not."""
    try:
        ((kind, body),) = packets(path.read_bytes())
        made = parse(body)
    except (ValueError, FileNotFoundError):
        return None
    known = made.kind == Kind.BINARY and made.hash_algorithm in HASHES and made.issuer
    return made if kind == PACKET and known else None


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk
