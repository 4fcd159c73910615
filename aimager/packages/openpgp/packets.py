"""What OpenPGP data consists of (RFC 9580, 4.2, 5.2.3.7 and 6): packets, subpackets and numbers."""

import base64
import io
import re
from collections.abc import Iterator

_ARMOUR = re.compile(
    rb"^-----BEGIN PGP [A-Z ]+-----[ \t]*\r?\n"
    rb"(?:[A-Za-z]+:.*\n)*[ \t]*\r?\n"
    rb"(?P<content>[A-Za-z0-9+/=\s]*?)"
    rb"(?:^=[A-Za-z0-9+/]{4}\s*)?"
    rb"^-----END PGP ",
    re.MULTILINE,
)


def dearmoured(data: bytes) -> bytes:
    """The binary of what may be ASCII-armoured, in one block or several.

    The armour's checksum is not looked at: what is read out of it is trusted by signatures alone.

    :raises ValueError: when a block is damaged
    """
    if data[:1] and data[0] & 0x80:
        return data
    return b"".join(base64.b64decode(match["content"]) for match in _ARMOUR.finditer(data))


def read(stream: io.BytesIO, size: int) -> bytes:
    """Exactly so many bytes.

    :raises ValueError: when there are fewer
    """
    data = stream.read(size)
    if len(data) < size:
        raise ValueError("the OpenPGP data is cut off")
    return data


def number(stream: io.BytesIO, size: int) -> int:
    """An unsigned number of ``size`` bytes."""
    return int.from_bytes(read(stream, size), "big")


def multiprecision(stream: io.BytesIO) -> int:
    """A number that is preceded by its length in bits (3.2)."""
    return number(stream, (number(stream, 2) + 7) // 8)


def packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The type and the body of each packet, with a header of either format.

    :raises ValueError: when it is not binary OpenPGP data, or not complete
    """
    stream = io.BytesIO(data)
    while stream.tell() < len(data):
        yield _read_packet(stream)


def _read_packet(stream: io.BytesIO) -> tuple[int, bytes]:
    head = number(stream, 1)
    if not head & 0x80:
        raise ValueError("it is not binary OpenPGP data")
    if head & 0x40:
        return head & 0x3F, read(stream, _packet_length(stream))
    if head & 3 == 3:
        raise ValueError("an OpenPGP packet has no length")
    return head >> 2 & 0xF, read(stream, number(stream, 1 << (head & 3)))


def _packet_length(stream: io.BytesIO) -> int:
    first = number(stream, 1)
    if first < 192:
        return first
    if first < 224:
        return (first - 192 << 8) + number(stream, 1) + 192
    if first < 255:
        raise ValueError("an OpenPGP packet comes in parts")
    return number(stream, 4)


def subpackets(area: bytes) -> Iterator[tuple[int, bytes]]:
    """The type, with the bit 0x80 of those that must be understood, and the content of each.

    :raises ValueError: when the area is not whole
    """
    stream = io.BytesIO(area)
    while first := stream.read(1):
        length = first[0]
        if length == 255:
            length = number(stream, 4)
        elif length >= 192:
            length = (length - 192 << 8) + number(stream, 1) + 192
        if not length:
            raise ValueError("an OpenPGP subpacket has no type")
        yield number(stream, 1), read(stream, length - 1)
