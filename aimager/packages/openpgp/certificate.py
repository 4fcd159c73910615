"""OpenPGP certificates: a primary key, its user ids and subkeys, and what their owner signed.

What holds is decided as gpg does it (GnuPG's g10/getkey.c and sig-check.c): the newest signature
of the owner over a user id or a subkey counts, and a revoked key is revoked from the beginning.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from aimager.packages.openpgp.key import SHA1, Key, parse_key
from aimager.packages.openpgp.packets import dearmoured, packets
from aimager.packages.openpgp.signature import PACKET, Kind, Signature, Sub, parse

_PUBLIC_KEY, _USER_ID, _PUBLIC_SUBKEY = 6, 13, 14
_RIDING = {10, 12, 21}
"""Packets that belong to nothing: markers, gpg's own notes of trust, and padding."""

_MAY_SIGN = 0x02
_SHA1_ENDS = 1547856000
"""Since 2019-01-19 gpg accepts no certification of another's key that is made with SHA-1."""

CERTIFICATIONS = range(Kind.GENERIC, Kind.POSITIVE + 1)


@dataclass
class Certificate:
    """A primary key and what is bound to it, with all signatures over each, verified or not."""

    key: Key
    direct: list[Signature] = field(default_factory=list)
    users: dict[bytes, list[Signature]] = field(default_factory=dict)
    subkeys: dict[Key, list[Signature]] = field(default_factory=dict)

    def merge(self, other: "Certificate") -> None:
        """Add what another copy of the same certificate has."""
        self.direct += other.direct
        for user, signatures in other.users.items():
            self.users.setdefault(user, []).extend(signatures)
        for subkey, signatures in other.subkeys.items():
            self.subkeys.setdefault(subkey, []).extend(signatures)

    def live_users(self, now: float) -> Iterator[tuple[bytes, Signature]]:
        """The user ids that their owner stands by, each with the signature that says so."""
        for user, signatures in self.users.items():
            last = newest(
                signature
                for signature in signatures
                if is_certification(signature)
                and not signature.has_expired(now)
                and self.key.is_issuer(signature)
                and self.key.verifies(signature, self.over_user(user))
            )
            if last and last.kind != Kind.USER_REVOCATION:
                yield user, last

    def over_user(self, user: bytes) -> Iterable[bytes]:
        """What is hashed of a user id that is certified."""
        return self.key.hashed, b"\xb4" + len(user).to_bytes(4, "big"), user

    def user(self, now: float) -> str:
        """The owner's primary user id; empty if there is no user id."""
        live = list(self.live_users(now))
        primary = [it for it in live if it[1].says(Sub.PRIMARY_USER)]
        chosen = max(primary or live, key=lambda it: it[1].created, default=(b"", None))
        return chosen[0].decode(errors="replace")

    def is_revoked(self, find: Callable[[str], Key | None]) -> bool:
        """Whether the owner revoked it, or somebody whom the owner named for that.

        ``find`` gives the primary key of a fingerprint.
        """
        named = (s.hashed.get(Sub.REVOCATION_KEY, b"")[2:] for s in self._by_owner())
        revokers = [key for name in named if name and (key := find(name.hex().upper()))]
        return any(
            key.is_issuer(signature) and key.verifies(signature, [self.key.hashed])
            for key in (self.key, *revokers)
            for signature in self.direct
            if signature.kind == Kind.KEY_REVOCATION
        )

    def _by_owner(self) -> Iterator[Signature]:
        """The owner's own words on the key itself."""
        for signature in self.direct:
            if (
                signature.kind == Kind.DIRECT_KEY
                and self.key.is_issuer(signature)
                and self.key.verifies(signature, [self.key.hashed])
            ):
                yield signature

    def _newest_with(self, kind: Sub, now: float) -> Signature | None:
        """The owner's last word on something: that on the key itself, else that on a user id."""
        own = (s for s in self._by_owner() if not s.has_expired(now))
        users = (s for _, s in self.live_users(now) if s.says(kind))
        of_users = max(users, key=lambda signature: signature.created, default=None)
        return newest(s for s in own if s.says(kind)) or of_users

    def expires(self, now: float) -> float:
        """When the primary key, and with it all that is bound to it, expires or did."""
        last = self._newest_with(Sub.KEY_EXPIRES, now)
        return self.key.created + last.seconds(Sub.KEY_EXPIRES) if last else math.inf

    def may_sign(self, now: float) -> bool:
        """Whether the primary key is for signing data."""
        last = self._newest_with(Sub.KEY_FLAGS, now)
        return any(self.live_users(now)) and (last is None or _signs(last))

    def _binding(self, subkey: Key, now: float) -> Signature | None:
        """The signature that binds a subkey."""
        over = (self.key.hashed, subkey.hashed)
        return newest(
            s
            for s in self.subkeys[subkey]
            if s.kind == Kind.SUBKEY
            and not s.has_expired(now)
            and self.key.is_issuer(s)
            and self.key.verifies(s, over)
        )

    def subkey_may_sign(self, subkey: Key, now: float) -> bool:
        """Whether a subkey is bound for signing data."""
        binding = self._binding(subkey, now)
        return binding is not None and _signs(binding) and self._is_answered(subkey, binding)

    def subkey_expires(self, subkey: Key, now: float) -> float:
        """When a subkey expires, which is at the latest when the primary key does."""
        binding = self._binding(subkey, now)
        lasts = binding.seconds(Sub.KEY_EXPIRES) if binding else 0
        return subkey.created + lasts if lasts else math.inf

    def _is_answered(self, subkey: Key, binding: Signature) -> bool:
        """Whether the subkey vouches for the primary key in turn (5.2.1.9)."""
        body = binding.hashed.get(Sub.EMBEDDED) or binding.unhashed.get(Sub.EMBEDDED)
        answer = _parsed(body) if body else None
        return (
            answer is not None
            and answer.kind == Kind.PRIMARY_KEY
            and subkey.verifies(answer, (self.key.hashed, subkey.hashed))
        )

    def subkey_is_revoked(self, subkey: Key) -> bool:
        """Whether the owner revoked a subkey."""
        over = (self.key.hashed, subkey.hashed)
        return any(
            s.kind == Kind.SUBKEY_REVOCATION
            and self.key.is_issuer(s)
            and self.key.verifies(s, over)
            for s in self.subkeys[subkey]
        )


def newest(signatures: Iterable[Signature]) -> Signature | None:
    """The last that was made; of two at the same time, the last that is there."""
    last = None
    for signature in signatures:
        if last is None or signature.created >= last.created:
            last = signature
    return last


def is_certification(signature: Signature) -> bool:
    """Whether a signature says something about a user id."""
    return signature.kind in CERTIFICATIONS or signature.kind == Kind.USER_REVOCATION


def is_weak(signature: Signature) -> bool:
    """Whether a certification of another's key has a hash that can be forged by now."""
    return signature.hash_algorithm == SHA1 and signature.created > _SHA1_ENDS


def _signs(signature: Signature) -> bool:
    flags = signature.hashed.get(Sub.KEY_FLAGS)
    return flags is None or bool(flags and flags[0] & _MAY_SIGN)


def _parsed(body: bytes) -> Signature | None:
    try:
        return parse(body)
    except ValueError:  # it is ignored
        return None


def read_certificates(data: bytes) -> dict[str, Certificate]:
    """The certificates of a keyring, by fingerprint; keys of other versions are left out.

    :raises ValueError: when it is not whole
    """
    found: dict[str, Certificate] = {}
    for certificate in _certificates(dearmoured(data)):
        known = found.setdefault(certificate.key.fingerprint, certificate)
        if known is not certificate:
            known.merge(certificate)
    return found


def _certificates(data: bytes) -> Iterator[Certificate]:
    certificate: Certificate | None = None
    signatures: list[Signature] = []
    for kind, body in packets(data):
        if kind == _PUBLIC_KEY:
            if certificate:
                yield certificate
            key = _parsed_key(body)
            certificate = Certificate(key) if key else None
            signatures = certificate.direct if certificate else []
        elif kind == PACKET:
            signature = _parsed(body)
            signatures += [signature] if signature else []
        elif certificate and kind not in _RIDING:
            signatures = _list_of(certificate, kind, body)
    if certificate:
        yield certificate


def _list_of(certificate: Certificate, kind: int, body: bytes) -> list[Signature]:
    """Where the signatures over what a packet holds are gathered."""
    if kind == _USER_ID:
        return certificate.users.setdefault(body, [])
    subkey = _parsed_key(body) if kind == _PUBLIC_SUBKEY else None
    return certificate.subkeys.setdefault(subkey, []) if subkey else []


def _parsed_key(body: bytes) -> Key | None:
    try:
        return parse_key(body)
    except ValueError:  # it is ignored
        return None
