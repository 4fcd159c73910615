"""What an OpenPGP signature says of itself (RFC 9580, 5.2). Nothing is verified here."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from aimager.packages.openpgp.packets import number, packets, read, subpackets

PACKET = 2

_CRITICAL = 0x80


class Kind(IntEnum):
    """What a signature is of (5.2.1); those of a user id are GENERIC to POSITIVE."""

    BINARY = 0x00
    GENERIC = 0x10
    POSITIVE = 0x13
    SUBKEY = 0x18
    PRIMARY_KEY = 0x19
    DIRECT_KEY = 0x1F
    KEY_REVOCATION = 0x20
    SUBKEY_REVOCATION = 0x28
    USER_REVOCATION = 0x30


class Sub(IntEnum):
    """Subpackets that are read (5.2.3.7)."""

    CREATED = 2
    EXPIRES = 3
    KEY_EXPIRES = 9
    REVOCATION_KEY = 12
    ISSUER_KEY_ID = 16
    PRIMARY_USER = 25
    KEY_FLAGS = 27
    EMBEDDED = 32
    ISSUER_FINGERPRINT = 33


_HARMLESS = {4, 5, 7, 11, 21, 22, 23, 24, 26, 28, 29, 30, 34}
"""Others that do not limit what is asked of a signature here."""


@dataclass(frozen=True)
class Signature:
    """A signature of version 4; times are in seconds, those of expiry after ``created``.

    ``trailer`` is hashed after the data. The hash has to begin with ``beginning``, and ``values``
    are the numbers of the key's algorithm.
    """

    kind: int
    key_algorithm: int
    hash_algorithm: int
    hashed: Mapping[int, bytes]
    unhashed: Mapping[int, bytes]
    trailer: bytes
    beginning: bytes
    values: bytes

    @property
    def created(self) -> int:
        """When it says that it was made."""
        return self.seconds(Sub.CREATED)

    def seconds(self, kind: Sub) -> int:
        """The time in a hashed subpacket; 0 if it is missing."""
        return int.from_bytes(self.hashed.get(kind, b""), "big")

    def says(self, kind: Sub) -> bool:
        """Whether it has a hashed subpacket that is not empty or zero."""
        return any(self.hashed.get(kind, b""))

    def has_expired(self, now: float) -> bool:
        """Whether it holds no more."""
        lasts = self.seconds(Sub.EXPIRES)
        return bool(lasts) and self.created + lasts <= now

    @property
    def issuer(self) -> str:
        """The fingerprint, else the key id, of the key that made it, in capitals."""
        return _issuer_of({**self.unhashed, **self.hashed})


def parse(body: bytes) -> Signature:
    """The signature in a packet's body.

    :raises ValueError: when it is cut off, of another version than 4, lacks its time, or says
        something that must be understood and is not
    """
    stream = io.BytesIO(body)
    if number(stream, 1) != 4:
        raise ValueError("only OpenPGP signatures of version 4 are known here")
    kind, key_algorithm, hash_algorithm = read(stream, 3)
    hashed = _by_kind(read(stream, number(stream, 2)))
    end = stream.tell()
    unhashed = _by_kind(read(stream, number(stream, 2)))
    known = {*Sub, *_HARMLESS}
    if any(kind & _CRITICAL and kind & ~_CRITICAL not in known for kind in hashed):
        raise ValueError("an OpenPGP signature says something that is not known here")
    hashed = {kind & ~_CRITICAL: content for kind, content in hashed.items()}
    if len(hashed.get(Sub.CREATED, b"")) != 4:
        raise ValueError("an OpenPGP signature has no time")
    return Signature(
        kind=kind,
        key_algorithm=key_algorithm,
        hash_algorithm=hash_algorithm,
        hashed=hashed,
        unhashed={kind & ~_CRITICAL: content for kind, content in unhashed.items()},
        trailer=body[:end] + b"\x04\xff" + end.to_bytes(4, "big"),
        beginning=read(stream, 2),
        values=stream.read(),
    )


def _by_kind(area: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for kind, content in subpackets(area):
        found.setdefault(kind, content)
    return found


def issuer(signature: bytes) -> str:
    """The fingerprint, else the key id, of the key that made a binary signature, in capitals.

    Empty where the signature names none.

    :raises ValueError: when it is not a binary signature, or not of version 3, 4 or 6
    """
    for kind, body in packets(signature):
        if kind == PACKET:
            return _issuer(io.BytesIO(body))
    raise ValueError("the OpenPGP data is cut off before a signature")


def _issuer(body: io.BytesIO) -> str:
    version = number(body, 1)
    if version == 3:  # length, type and time come before the key id
        read(body, 6)
        return read(body, 8).hex().upper()
    if version not in (4, 6):
        raise ValueError(f"signatures of version {version} are not known here")
    read(body, 3)  # type and algorithms
    size = 2 if version == 4 else 4
    hashed, unhashed = (_by_kind(read(body, number(body, size))) for _ in range(2))
    return _issuer_of({kind & ~_CRITICAL: v for kind, v in {**unhashed, **hashed}.items()})


def _issuer_of(named: Mapping[int, bytes]) -> str:
    if Sub.ISSUER_FINGERPRINT in named:
        return named[Sub.ISSUER_FINGERPRINT][1:].hex().upper()  # the key's version comes first
    return named.get(Sub.ISSUER_KEY_ID, b"").hex().upper()
