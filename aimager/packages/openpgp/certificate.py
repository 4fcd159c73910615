"""OpenPGP certificates as they stand in a keyring: keys, user ids, and all signatures over them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from aimager.packages.openpgp.key import Key, fingerprint_of, parse_key
from aimager.packages.openpgp.packets import dearmoured, packets
from aimager.packages.openpgp.signature import (
    PACKET,
    REVOCATIONS,
    Kind,
    Signature,
    Verdict,
    parse,
)

PUBLIC_KEY, USER_ID, SUBKEY, _ATTRIBUTE = 6, 13, 14, 17
_NOTE = 12
"""A packet that belongs to nothing: gpg's own note of trust."""
PACKETS = frozenset({PACKET, PUBLIC_KEY, _NOTE, USER_ID, SUBKEY, _ATTRIBUTE})
"""The types of all packets that a keyring may hold."""
SECRET = frozenset({5, 7})
"""The types of packets of private keys, of subkeys and of stubs as well."""
KEYBOX = b"KBXf"
"""It begins a keybox, from its ninth byte on (GnuPG's kbx/keybox-blob.c)."""
_USER_SIZE = 2048
"""gpg takes no longer user ids (g10/parse-packet.c: MAX_UID_PACKET_LENGTH)."""


_MOST = 50_000
"""The most parts times signatures of a certificate: any signature may have to be tried on any part.
Of the keys of the real keyrings beside the tests, the largest has 3,500."""


@dataclass(frozen=True)
class Part:
    """What of a certificate is signed: a user id, a user attribute, a subkey, or the primary key.

    ``tag`` is the packet's type, and ``key`` what a subkey's packet holds, if it is known here.
    """

    tag: int
    body: bytes = b""
    key: Key | None = field(default=None, compare=False)

    @property
    def is_user(self) -> bool:
        """Whether it is a user id or a user attribute, which gpg treats alike."""
        return self.tag in (USER_ID, _ATTRIBUTE)

    @property
    def is_subkey(self) -> bool:
        """Whether it is one."""
        return self.tag == SUBKEY

    @property
    def user(self) -> bytes | None:
        """The user id, if it is one."""
        return self.body if self.tag == USER_ID else None

    @property
    def hashed(self) -> bytes:
        """What is hashed of it after the primary key."""
        if self.is_user:
            start = b"\xb4" if self.tag == USER_ID else b"\xd1"
            return start + len(self.body).to_bytes(4, "big") + self.body
        return self.key.hashed if self.key else b""


PRIMARY = Part(PUBLIC_KEY)
"""The primary key, as what is signed."""


@dataclass(frozen=True)
class Placed:
    """A signature, and after which part of its certificate it stands."""

    signature: Signature
    part: Part


class Certificate:
    """A primary key, the parts that are bound to it, and all signatures, verified or not."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.parts: dict[Part, None] = {}
        self.signatures: list[Placed] = []
        self._verdicts: dict[tuple[Signature, Part, str], Verdict] = {}

    def merge(self, other: "Certificate") -> None:
        """Add what another copy of the same certificate has.

        :raises ValueError: when that is too much
        """
        self.parts |= other.parts
        self.signatures += other.signatures
        self.check_size()

    def check_size(self) -> None:
        """Check that it can be judged in little time.

        :raises ValueError: when it cannot
        """
        if len(self.parts) * len(self.signatures) > _MOST:
            raise ValueError(f"the key {self.key.fingerprint} has too many parts and signatures")

    @property
    def keys(self) -> list[Key]:
        """The primary key and those subkeys that are of a kind that is known here."""
        return [self.key, *(part.key for part in self.parts if part.key)]

    @property
    def names(self) -> tuple[str, ...]:
        """The fingerprints of the primary key and of all subkeys."""
        subkeys = (part.body for part in self.parts if part.is_subkey)
        return (self.key.fingerprint, *map(fingerprint_of, subkeys))

    def judge(self, signature: Signature, part: Part, key: Key) -> Verdict:
        """Whether ``key`` made a signature over one of the parts, or over the primary key."""
        at = (signature, part, key.fingerprint)
        if at not in self._verdicts:
            self._verdicts[at] = key.judge(signature, (self.key.hashed, part.hashed))
        return self._verdicts[at]

    def said_by(self, key: Key, part: Part, kinds: frozenset[int]) -> "Said":
        """What ``key`` said of ``part`` by signatures of ``kinds``, wherever they stand.

        One that cannot be judged is taken to be of the part after which it stands; as a revocation,
        of all that it may be of.
        """
        said = Said()
        for placed in self.signatures:
            made = placed.signature
            if made.kind not in kinds or not made.may_be_by(key.fingerprint):
                continue
            if placed.part != part and self.judge(made, placed.part, key) is Verdict.GOOD:
                continue  # it is where it belongs
            verdict = self.judge(made, part, key)
            if verdict is Verdict.GOOD:
                said.good.append(made)
                said.placed |= {made} if placed.part == part else set()
            elif verdict is Verdict.ODD and (made.kind in REVOCATIONS or placed.part == part):
                said.odd.append(made)
        return said


@dataclass
class Said:
    """Signatures of one key over one part: good ones, those that cannot be judged, and which of the
    good ones stand where they belong."""

    good: list[Signature] = field(default_factory=list)
    odd: list[Signature] = field(default_factory=list)
    placed: set[Signature] = field(default_factory=set)

    @property
    def is_known(self) -> bool:
        """Whether it is sure what the key said last; it is where it said nothing."""
        last = newest(self.good)
        revoking = {s.kind in REVOCATIONS for s in last}
        return (
            len(revoking) < 2
            and all(s.key_ids for s in last)  # by which alone gpg 2.2 finds out whose it is
            and (not last or bool(self.placed & set(last)))
            and all(
                last and s.created < last[0].created and s.kind not in REVOCATIONS for s in self.odd
            )
        )

    def last_word(self) -> list[Signature]:
        """The newest, all of them where several are equally new.

        None if it is not known, or is a revocation.
        """
        last = newest(self.good)
        return last if self.is_known and not any(s.kind in REVOCATIONS for s in last) else []


def newest(signatures: list[Signature]) -> list[Signature]:
    """The newest of ``signatures``: all that are equally new."""
    last = max((s.created for s in signatures), default=0)
    return [s for s in signatures if s.created == last]


@dataclass(frozen=True)
class Ring:
    """What a keyring holds: certificates by fingerprint, and all revocations of keys in it."""

    certificates: dict[str, Certificate]
    revocations: list[Signature]


def read_ring(data: bytes) -> Ring:
    """What is in a keyring, binary or ASCII-armoured.

    Certificates are left out if their primary key is not of a kind that is known here.

    :raises ValueError: when it is not whole, or holds anything but public keys
    """
    found: dict[str, Certificate] = {}
    revocations: list[Signature] = []
    if data[8:12] == KEYBOX:
        raise ValueError("it is a keybox of GnuPG, not an exported keyring")
    for certificate in _certificates(dearmoured(data), revocations):
        certificate.check_size()
        known = found.setdefault(certificate.key.fingerprint, certificate)
        if known is not certificate:
            known.merge(certificate)
    return Ring(found, revocations)


def _certificates(data: bytes, revocations: list[Signature]) -> Iterator[Certificate]:
    certificate: Certificate | None = None
    part = PRIMARY
    begun = False
    for tag, body in packets(data):
        if tag == PUBLIC_KEY:
            if certificate:
                yield certificate
            key = _parsed_key(body)
            certificate, part, begun = Certificate(key) if key else None, PRIMARY, True
        elif tag == PACKET:
            made = parse(body)
            revocations += [made] if made.kind == Kind.KEY_REVOCATION else []
            if certificate:
                certificate.signatures.append(Placed(made, part))
        elif tag != _NOTE:
            part = _read_part(tag, body, begun)
            if certificate:
                certificate.parts[part] = None
    if certificate:
        yield certificate


def _read_part(tag: int, body: bytes, begun: bool) -> Part:
    if tag in SECRET:
        raise ValueError("it holds a private key")
    part = Part(tag, body, _parsed_key(body) if tag == SUBKEY else None)
    if not begun or not (part.is_user or part.is_subkey):
        raise ValueError(f"it holds an OpenPGP packet of type {tag}, which is of no public key")
    if part.user is not None and len(part.user) > _USER_SIZE:
        raise ValueError("it holds a user id that is too long")
    return part


def _parsed_key(body: bytes) -> Key | None:
    try:
        return parse_key(body)
    except ValueError:  # it is left out
        return None
