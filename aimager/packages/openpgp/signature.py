"""What an OpenPGP signature says of itself (RFC 9580, 5.2). Nothing is verified here."""

import io
from dataclasses import dataclass, replace
from enum import Enum, IntEnum
from functools import cached_property

from aimager.packages.openpgp.packets import dearmoured, number, packets, read, subpackets

PACKET = 2
_CRITICAL = 0x80
_LATEST = 0xFFFFFFFF
"""The last time that a key or a signature can name."""
_AREA = 10_000
"""More bytes gpg takes for no area of subpackets (GnuPG's g10/parse-packet.c)."""

_KEY_ID = 16
"""Hexadecimal digits of a key id."""

Subpackets = tuple[tuple[int, bytes], ...]


class Kind(IntEnum):
    """What a signature is of (5.2.1); those of a user id are GENERIC to POSITIVE."""

    BINARY = 0x00
    GENERIC = 0x10
    PERSONA = 0x11
    POSITIVE = 0x13
    SUBKEY = 0x18
    PRIMARY_KEY = 0x19
    DIRECT_KEY = 0x1F
    KEY_REVOCATION = 0x20
    SUBKEY_REVOCATION = 0x28
    USER_REVOCATION = 0x30


CERTIFICATIONS = frozenset(range(Kind.GENERIC, Kind.POSITIVE + 1))
REVOCATIONS = frozenset({Kind.KEY_REVOCATION, Kind.SUBKEY_REVOCATION, Kind.USER_REVOCATION})


class Sub(IntEnum):
    """Subpackets that are read (5.2.3.7)."""

    CREATED = 2
    EXPIRES = 3
    EXPORTABLE = 4
    KEY_EXPIRES = 9
    REVOCATION_KEY = 12
    ISSUER_KEY_ID = 16
    PRIMARY_USER = 25
    KEY_FLAGS = 27
    SIGNERS_USER = 28
    EMBEDDED = 32
    ISSUER_FINGERPRINT = 33


_SIZES = {2: 4, 3: 4, 4: 1, 9: 4, 16: 8, 25: 1}
"""Bytes of subpackets that have so many."""
_ONCE = {2, 3, 4, 9, 16, 25, 27, 28, 33}
"""Those of which a second one is odd."""
_UNDERSTOOD = {2, 3, 4, 9, 11, 16, 21, 22, 25, 27, 30, 32, 33}
"""Those that may be critical: gpg and this room know them, or they limit nothing asked here."""


class Verdict(Enum):
    """Whether a signature is by a key. ODD ones are such as cannot be judged."""

    GOOD = "good"
    BAD = "bad"
    ODD = "odd"


@dataclass(frozen=True, eq=False)
class Signature:
    """A signature, as far as it can be read; times are in seconds.

    ``odd`` says why it can be no more than a revocation: empty where it is of version 4 and all of
    it is known. ``issuers`` are all fingerprints and key ids by which it names who made it, in
    capitals. ``trailer`` is hashed after the data, and ``values`` are the key algorithm's numbers.
    """

    version: int
    kind: int
    key_algorithm: int = 0
    hash_algorithm: int = 0
    hashed: Subpackets = ()
    unhashed: Subpackets = ()
    trailer: bytes = b""
    values: bytes = b""
    time: int = 0
    key_id: str = ""
    odd: str = ""

    def find(self, kind: int) -> bytes | None:
        """The content of a hashed subpacket."""
        return next((content for k, content in self.hashed if k & ~_CRITICAL == kind), None)

    @property
    def created(self) -> int:
        """When it says that it was made; the end of time where an odd one does not say it."""
        said = self.find(Sub.CREATED)
        if said and len(said) == 4:
            return int.from_bytes(said, "big")
        return self.time or _LATEST

    def seconds(self, kind: Sub) -> int:
        """The time in a hashed subpacket; 0 if it is missing."""
        return int.from_bytes(self.find(kind) or b"", "big")

    def has_expired(self, now: float) -> bool:
        """Whether it holds no more."""
        lasts = self.seconds(Sub.EXPIRES)
        return bool(lasts) and self.created + lasts <= now

    @cached_property
    def issuers(self) -> tuple[str, ...]:
        """The fingerprints come first."""
        areas = (*self.hashed, *self.unhashed)
        named = [
            content.hex().upper() for k, content in areas if k & ~_CRITICAL == Sub.ISSUER_KEY_ID
        ]
        prints = [  # the key's version comes first
            content[1:].hex().upper()
            for k, content in areas
            if k & ~_CRITICAL == Sub.ISSUER_FINGERPRINT
        ]
        ids = [*named, *([self.key_id] if self.key_id else [])]
        return tuple(dict.fromkeys((*prints, *ids)))

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The key ids among them."""
        return tuple(name for name in self.issuers if len(name) == _KEY_ID)

    def may_be_by(self, fingerprint: str) -> bool:
        """Whether it names this key, or none."""
        return not self.issuers or any(name and fingerprint.endswith(name) for name in self.issuers)

    @property
    def issuer(self) -> str:
        """The fingerprint, else the key id, of the key that made it; empty if it names none."""
        return next(iter(self.issuers), "")


def parse(body: bytes) -> Signature:
    """What can be read of the signature in a packet's body."""
    try:
        return _parse(io.BytesIO(body), body)
    except ValueError as error:
        version, kind = (*body[:2], 0, 0)[:2]
        return Signature(
            version, body[2] if version in (2, 3) and body[2:] else kind, odd=f"{error}"
        )


def _parse(stream: io.BytesIO, body: bytes) -> Signature:
    version = number(stream, 1)
    if version in (2, 3):
        read(stream, 1)  # a length that is always the same
        kind, time, key_id = number(stream, 1), number(stream, 4), read(stream, 8).hex().upper()
        return Signature(version, kind, time=time, key_id=key_id, odd=f"it is of version {version}")
    if version not in (4, 5, 6):
        raise ValueError(f"it is of version {version}")
    kind, key_algorithm, hash_algorithm = read(stream, 3)
    size = 4 if version == 6 else 2
    hashed = tuple(subpackets(read(stream, number(stream, size))))
    end = stream.tell()
    unhashed = tuple(subpackets(read(stream, number(stream, size))))
    read(stream, 2)  # the first bytes of the hash, which say nothing that the rest does not
    made = Signature(
        version,
        kind,
        key_algorithm,
        hash_algorithm,
        hashed,
        unhashed,
        trailer=body[:end] + b"\x04\xff" + end.to_bytes(4, "big"),
        values=stream.read(),
        odd="" if version == 4 else f"it is of version {version}",
    )
    return made if made.odd else _examined(made, body)


def _examined(made: Signature, body: bytes) -> Signature:
    """The same, and what is odd about one of version 4."""
    kinds = [k & ~_CRITICAL for k, _ in made.hashed]
    everything = (*made.hashed, *made.unhashed)
    issuers = made.issuers
    reasons = (
        (len(body) > 2 * _AREA, "it is too long"),
        (len(made.find(Sub.CREATED) or b"") != 4, "it has no time"),
        (made.find(Sub.EXPORTABLE) == b"\0", "it is for its maker alone"),
        (any(kinds.count(k) > 1 for k in _ONCE), "it says something twice"),
        (made.find(Sub.EXPIRES) == bytes(4), "it expires when it is made"),  # or never
        (made.created + made.seconds(Sub.EXPIRES) > _LATEST, "it expires after the end of time"),
        (
            any(k & _CRITICAL and k & ~_CRITICAL not in _UNDERSTOOD for k, _ in everything),
            "it says something that must be understood and is not",
        ),
        (
            any(len(c) != _SIZES.get(k & ~_CRITICAL, len(c)) for k, c in everything)
            or any(c[:1] != b"\4" or len(c) != 21 for k, c in everything if k & 0x7F == 33),
            "something that it says has another size",
        ),
        (any(not issuers[0].endswith(name) for name in issuers[1:]), "it names several keys"),
    )
    odd = next((reason for is_so, reason in reasons if is_so), "")
    return replace(made, odd=odd) if odd else made


def read_signatures(data: bytes) -> list[Signature]:
    """The signatures that a file consists of, binary or ASCII-armoured, of any version.

    :raises ValueError: when it is damaged, or consists of anything else
    """
    found = []
    for kind, body in packets(dearmoured(data)):
        if kind != PACKET:
            raise ValueError("it holds something that is not an OpenPGP signature")
        found.append(parse(body))
    if not found:
        raise ValueError("the OpenPGP data is cut off before a signature")
    return found


def issuer(data: bytes) -> str:
    """The fingerprint, else the key id, of the key that made a signature, in capitals.

    Of several it is the first that names one; empty where none does.

    :raises ValueError: as `read_signatures`, or when none can be read
    """
    made = read_signatures(data)
    if not any(s.hashed or s.unhashed or s.key_id for s in made):
        raise ValueError(f"an OpenPGP signature cannot be read: {made[0].odd}")
    return next((s.issuer for s in made if s.issuer), "")
