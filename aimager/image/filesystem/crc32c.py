"""CRC-32C (Castagnoli, RFC 3720 12.1), and how it changes with single bytes of a long text.

A CRC is linear: that of a text with some bits flipped is the old one, with the CRC of those bits,
moved by the zeros behind them, added. So a checksum is updated without reading the text again,
which is slow in pure Python.
"""

from collections.abc import Iterable

_POLYNOMIAL = 0x82F63B78
"""Its bits are in reverse: the highest one is that of x^0."""

_ONE = 1 << 31
_ALL = 0xFFFFFFFF


def _table() -> list[int]:
    entries = []
    for byte in range(256):
        rest = byte
        for _ in range(8):
            rest = rest >> 1 ^ (_POLYNOMIAL if rest & 1 else 0)
        entries.append(rest)
    return entries


_TABLE = _table()


def advance(rest: int, text: bytes) -> int:
    """The remainder ``rest`` after the bytes of ``text``, as ext4 keeps it: nothing is inverted."""
    for byte in text:
        rest = rest >> 8 ^ _TABLE[(rest ^ byte) & 0xFF]
    return rest


def crc32c(text: bytes) -> int:
    """The CRC-32C of ``text``."""
    return advance(_ALL, text) ^ _ALL


_POWERS: list[int] = [_ONE]


def _zeros(count: int) -> int:
    """What ``count`` zero bytes multiply a remainder by: x^(8 count)."""
    while len(_POWERS) <= count:
        _POWERS.append(advance(_POWERS[-1], b"\0"))
    return _POWERS[count]


def _multiply(one: int, other: int) -> int:
    """The product of two remainders."""
    product = 0
    while one:
        if one & _ONE:
            product ^= other
        one = one << 1 & _ALL
        other = other >> 1 ^ (_POLYNOMIAL if other & 1 else 0)
    return product


def changed_crc32c(old: int, length: int, changes: Iterable[tuple[int, bytes, bytes]]) -> int:
    """The CRC-32C of a text of ``length`` bytes after ``changes``, of which it was ``old``.

    Each is a position, the bytes that were there, and as many that are there now; none overlap.
    """
    for position, before, after in changes:
        flipped = bytes(a ^ b for a, b in zip(before, after, strict=True))
        behind = length - position - len(flipped)
        old ^= _multiply(advance(0, flipped), _zeros(behind))
    return old
