"""What OpenPGP data consists of (RFC 9580, 4.2, 5.2.3.7 and 6): packets, subpackets and numbers."""

import base64
import binascii
import io
import re
from collections.abc import Iterator

_ARMOUR = re.compile(
    rb"^-----BEGIN PGP (?P<kind>[A-Z ]+)-----[ \t]*\r?\n"
    rb"(?:[A-Za-z]+:.*\n)*[ \t]*\r?\n"
    rb"(?P<content>[A-Za-z0-9+/=\s]*?)"
    rb"(?:^=(?P<check>[A-Za-z0-9+/]{4})\s*)?"
    rb"^-----END PGP (?P=kind)-----",
    re.MULTILINE,
)
_BEGIN = re.compile(rb"^-----BEGIN PGP ", re.MULTILINE)

_CRC_START, _CRC_POLYNOMIAL = 0xB704CE, 0x1864CFB
"""Of the armour's checksum (6.1)."""


def dearmoured(data: bytes) -> bytes:
    """The binary of what may be ASCII-armoured, in one block or several, with words between them.

    :raises ValueError: when a block is damaged, or there is none
    """
    if data[:1] and data[0] & 0x80:
        return data
    blocks = list(_ARMOUR.finditer(data))
    if not blocks or len(blocks) < len(_BEGIN.findall(data)):
        raise ValueError("it is neither binary OpenPGP data nor whole in its ASCII armour")
    return b"".join(_read_block(block) for block in blocks)


def _read_block(block: re.Match[bytes]) -> bytes:
    try:
        data = base64.b64decode(b"".join(block["content"].split()), validate=True)
    except binascii.Error as error:
        raise ValueError("the ASCII armour of the OpenPGP data is damaged") from error
    if block["check"] and int.from_bytes(base64.b64decode(block["check"]), "big") != _crc(data):
        raise ValueError("the ASCII armour of the OpenPGP data has another checksum")
    return data


def _crc(data: bytes) -> int:
    crc = _CRC_START
    for byte in data:
        crc = (crc << 8 & 0xFFFFFF) ^ _CRC_OF[crc >> 16 ^ byte]
    return crc


def _crc_of(byte: int) -> int:
    crc = byte << 16
    for _ in range(8):
        crc = crc << 1 ^ (_CRC_POLYNOMIAL if crc & 0x800000 else 0)
    return crc


_CRC_OF = [_crc_of(byte) for byte in range(256)]


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
    """A number that is preceded by its length in bits (3.2).

    :raises ValueError: when it has another length
    """
    bits = number(stream, 2)
    value = number(stream, (bits + 7) // 8)
    if value.bit_length() != bits:
        raise ValueError("an OpenPGP number has another length than it says")
    return value


def multiprecisions(data: bytes) -> list[int]:
    """The numbers that ``data`` consists of.

    :raises ValueError: when it does not consist of whole ones
    """
    stream = io.BytesIO(data)
    found = []
    while stream.tell() < len(data):
        found.append(multiprecision(stream))
    return found


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
