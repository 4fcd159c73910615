"""How an OpenPGP certificate stands at a time, decided as gpg does it (GnuPG's g10/getkey.c).

The newest signature of the owner over a part of it decides, and a revoked key is revoked from the
beginning. Of equally new ones, gpg takes one, and here each has to be good.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aimager.packages.openpgp.certificate import PRIMARY, Certificate, Part, Placed, newest
from aimager.packages.openpgp.key import Key
from aimager.packages.openpgp.signature import (
    CERTIFICATIONS,
    Kind,
    Signature,
    Sub,
    Verdict,
    parse,
)

NEVER = float("inf")
_LATEST = 0xFFFFFFFF
"""The last time that gpg can tell, whose numbers begin anew then."""
_MAY_SIGN = 0x02

ON_USERS = CERTIFICATIONS | {Kind.USER_REVOCATION}
_ON_KEY = frozenset({Kind.DIRECT_KEY})
_ON_SUBKEYS = frozenset({Kind.SUBKEY})


@dataclass(frozen=True)
class Standing:
    """``users`` are the live user ids, each with the signatures by which its owner stands by it.

    ``subkeys`` are those that are bound for signing data, some of them revoked, and when each
    expires, a time in seconds, as ``expires`` is. A certificate that ``is_revoked`` or has no
    ``users`` is of no use, nor is the primary key for data if it may not sign.
    """

    is_revoked: bool = False
    expires: float = 0
    may_sign: bool = False
    users: Mapping[bytes, Sequence[Signature]] = field(default_factory=dict)
    subkeys: Mapping[Key, float] = field(default_factory=dict)
    revoked_subkeys: frozenset[Key] = frozenset()

    def is_live(self, now: float) -> bool:
        """Whether it counts at all."""
        return not self.is_revoked and self.expires > now and bool(self.users)

    @property
    def name(self) -> str:
        """The owner's primary user id; empty if there is no user id."""
        primary = {u: s for u, s in self.users.items() if any(s[0].find(Sub.PRIMARY_USER) or b"")}
        chosen = max((primary or self.users).items(), key=lambda it: it[1][0].created, default=None)
        return chosen[0].decode(errors="replace") if chosen else ""


def stand(
    certificate: Certificate,
    revocations: Sequence[Signature],
    find: Callable[[str], Key | None],
    now: float,
) -> Standing:
    """How ``certificate`` stands ``now``.

    ``revocations`` are all that are known, of any key; ``find`` gives the primary key of a
    fingerprint.
    """
    key = certificate.key
    revoked = _is_revoked(certificate, revocations, find)
    users = _live_parts(certificate, now)
    direct = certificate.said_by(key, PRIMARY, _ON_KEY)
    last = newest([s for s in direct.good if not s.has_expired(now)])
    is_known = all(last and odd.created < last[0].created for odd in direct.odd)
    if key.created > now or not is_known or not users:
        return Standing(is_revoked=revoked)
    subkeys = {
        part.key: expires
        for part in certificate.parts
        if part.key and (expires := _subkey_expires(certificate, part, part.key, now)) is not None
    }
    return Standing(
        is_revoked=revoked,
        expires=_ending(key, last, list(users.values())),
        may_sign=_may_sign(last, list(users.values())),
        users={part.user: said for part, said in users.items() if part.user is not None},
        subkeys=subkeys,
        revoked_subkeys=_revoked_subkeys(certificate),
    )


def _live_parts(certificate: Certificate, now: float) -> dict[Part, list[Signature]]:
    """The user ids and attributes that their owner stands by, and by which signatures.

    None where something is not known, for any of them may limit what the key is for.
    """
    key = certificate.key
    live = {}
    for part in (part for part in certificate.parts if part.is_user):
        said = certificate.said_by(key, part, ON_USERS)
        last = said.last_word()
        expired = {s.has_expired(now) for s in last}
        if not said.is_known or len(expired) > 1:
            return {}
        if last and not any(expired) and last[0].created >= key.created:
            live[part] = last
    return {} if any(_is_stray(placed, key) for placed in certificate.signatures) else live


def _is_stray(placed: Placed, key: Key) -> bool:
    """Whether for a signature gpg may refuse the whole certificate.

    It does so for the owner's on a user id before the first of these (g10/import.c:
    chk_self_sigs), and, being older than 2.4, for those of versions that it does not know.
    """
    made = placed.signature
    is_users = made.kind in ON_USERS and made.may_be_by(key.fingerprint)
    return made.version not in (2, 3, 4) or (is_users and placed.part == PRIMARY)


def _is_revoked(
    certificate: Certificate, revocations: Sequence[Signature], find: Callable[[str], Key | None]
) -> bool:
    """Whether the owner revoked it, or somebody whom the owner once named for that.

    It is, too, by what may be a revocation and cannot be judged.
    """
    named = {
        content[2:].hex().upper()
        for placed in certificate.signatures
        if placed.signature.may_be_by(certificate.key.fingerprint)
        for kind, content in placed.signature.hashed
        if kind & 0x7F == Sub.REVOCATION_KEY
    }
    own = [p.signature for p in certificate.signatures if p.signature.kind == Kind.KEY_REVOCATION]
    for name in (certificate.key.fingerprint, *named):
        key = certificate.key if name == certificate.key.fingerprint else find(name)
        # One that names nobody is of the certificate in which it stands.
        for made in (*(s for s in revocations if s.issuers), *(s for s in own if not s.issuers)):
            if made.may_be_by(name) and (
                key is None or certificate.judge(made, PRIMARY, key) is not Verdict.BAD
            ):
                return True
    return False


def _revoked_subkeys(certificate: Certificate) -> frozenset[Key]:
    kinds = frozenset({Kind.SUBKEY_REVOCATION})
    said = {
        part.key: certificate.said_by(certificate.key, part, kinds)
        for part in certificate.parts
        if part.key
    }
    return frozenset(key for key, words in said.items() if words.good or words.odd)


def _ending(key: Key, direct: Sequence[Signature], users: Sequence[Sequence[Signature]]) -> float:
    """When the primary key, and with it all that is bound to it, expires or did.

    What the owner said of the key itself comes before what was said of user ids.
    """
    if any(s.seconds(Sub.KEY_EXPIRES) for s in direct):
        return _end(key, direct)
    limited = [said for said in users if any(s.seconds(Sub.KEY_EXPIRES) for s in said)]
    return _end(key, max(limited, key=_made, default=[]))


def _end(key: Key, signatures: Sequence[Signature]) -> float:
    lasts = [s.seconds(Sub.KEY_EXPIRES) for s in signatures if s.seconds(Sub.KEY_EXPIRES)]
    end = key.created + min(lasts, default=0)
    if not lasts:
        return NEVER
    return end if key.created + max(lasts) <= _LATEST else 0


def _may_sign(direct: Sequence[Signature], users: Sequence[Sequence[Signature]]) -> bool:
    """Whether the primary key is for signing data."""
    if any(s.find(Sub.KEY_FLAGS) is not None for s in direct):
        return all(_signs(s) for s in direct)
    flagged = [said for said in users if any(s.find(Sub.KEY_FLAGS) is not None for s in said)]
    return all(_signs(s) for s in max(flagged, key=_made, default=[]))


def _made(said: Sequence[Signature]) -> int:
    """When these were made; of user ids of equal times, the first counts for gpg and for max."""
    return said[0].created


def _signs(signature: Signature) -> bool:
    """Whether it says that a key is for signing, or nothing of what it is for."""
    flags = signature.find(Sub.KEY_FLAGS)
    return flags is None or bool(flags and flags[0] & _MAY_SIGN)


def _subkey_expires(certificate: Certificate, part: Part, subkey: Key, now: float) -> float | None:
    """When a subkey that is bound for signing data expires; None: it is not."""
    last = certificate.said_by(certificate.key, part, _ON_SUBKEYS).last_word()
    is_bound = subkey.created <= now and all(
        s.issuers
        and not s.has_expired(now)
        and s.created >= max(subkey.created, certificate.key.created)
        and _signs(s)
        and _is_answered(certificate.key, subkey, s, now)
        for s in last
    )
    return _end(subkey, last) if last and is_bound else None


def _is_answered(primary: Key, subkey: Key, binding: Signature, now: float) -> bool:
    """Whether the subkey vouches for the primary key in turn, now."""
    found = answers(primary, subkey, binding)
    return bool(found) and all(
        s.created >= subkey.created and not s.has_expired(now) for s in found
    )


def answers(primary: Key, subkey: Key, binding: Signature) -> list[Signature]:
    """The signatures in a binding one by which the subkey vouches for the primary key in turn.

    That is what RFC 9580 asks for in 5.2.1.9. Empty if there is none, or if one of them is not by
    the subkey, or of other keys.
    """
    found = [
        parse(content)
        for kind, content in (*binding.hashed, *binding.unhashed)
        if kind & 0x7F == Sub.EMBEDDED
    ]
    is_theirs = all(
        s.kind == Kind.PRIMARY_KEY
        and s.may_be_by(subkey.fingerprint)
        and subkey.judge(s, (primary.hashed, subkey.hashed)) is Verdict.GOOD
        for s in found
    )
    return found if is_theirs else []
