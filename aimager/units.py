"""Sizes, times and numbers of things: in words for people, and sizes as people write them."""

import re

_SCALE = " KMGT"
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB")
_SIZE = re.compile(r"([0-9]{1,18})\s*([KMGT]?)(iB)?", re.IGNORECASE)


def decimal(text: str, digits: int = 18) -> int | None:
    """The number that ``text`` is in decimal, if it is one of no more than so many digits.

    No size in bytes and no time in seconds has more than the usual ones.
    """
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None


def duration(seconds: float) -> str:
    """Seconds, and from a minute on minutes."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s"


def size(count: float) -> str:
    """Bytes in the largest unit of the SI in which there is at least one."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count:.0f} B"


def exact_size(count: int) -> str:
    """Bytes in the largest power of 1024 that leaves them whole, as partitions are written."""
    unit = 0
    while count and count % 1024 == 0 and unit < len(_BINARY) - 1:
        count, unit = count // 1024, unit + 1
    return f"{count} {_BINARY[unit]}"


def mebibytes(count: int) -> str:
    """Bytes in whole MiB, rounded up: what a file system needs."""
    return f"{-(-count // (1 << 20))} MiB"


def parse_size(text: str, *, unit: int = 1) -> int | None:
    """Bytes from a number with K, M, G or T, powers of 1024, or else from one of ``unit`` bytes.

    None: it is something else.
    """
    match = _SIZE.fullmatch(text.strip())
    if not match:
        return None
    scale = match[2].upper()
    return int(match[1]) << 10 * _SCALE.index(scale) if scale else int(match[1]) * unit


def count(number: int, thing: str, things: str = "") -> str:
    """How many there are: ``1 package``, ``2 packages``; ``things`` where an s is not enough."""
    return f"{number} {thing}" if number == 1 else f"{number} {things or f'{thing}s'}"
