"""Identifiers derived from a seed: as different as random ones, and always the same."""

import functools
import hashlib
import re
import uuid

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_uuid(text: str) -> bool:
    """Whether ``text`` is a UUID as it is written (RFC 9562 4), in letters of either case."""
    return bool(_UUID.fullmatch(text))


def derive_uuid(seed: str, purpose: str) -> str:
    """A UUID of version 8 (RFC 9562 5.8), lower-case, for ``purpose`` within ``seed``."""
    octets = bytearray(_digest(seed, purpose)[:16])
    octets[6] = octets[6] & 0x0F | 0x80  # version 8: the rest is the maker's own
    octets[8] = octets[8] & 0x3F | 0x80  # the variant of RFC 9562
    return str(uuid.UUID(bytes=bytes(octets)))


def derive_volume_id(seed: str, purpose: str) -> str:
    """Eight lower-case hexadecimal digits: a FAT volume's serial number or a DOS label's id.

    Never zero, which means "none" in both.
    """
    number = int.from_bytes(_digest(seed, purpose)[:4], "big")
    return f"{number or 1:08x}"


def fat_uuid(volume_id: str) -> str:
    """What the Linux tools call the UUID of a FAT file system: ``ABCD-1234``."""
    return f"{volume_id[:4]}-{volume_id[4:]}".upper()


@functools.cache
def recognise(secret: str) -> str:
    """A hash that is slow to guess by (RFC 7914): ids and records may be read by others."""
    digest = hashlib.scrypt(secret.encode(), salt=b"aimager", n=1 << 13, r=8, p=1)
    return digest.hex()[:32]


def _digest(seed: str, purpose: str) -> bytes:
    # The zero keeps ("a", "bc") and ("ab", "c") apart.
    return hashlib.sha256(f"{seed}\0{purpose}".encode()).digest()
