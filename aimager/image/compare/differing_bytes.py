"""How many bytes of two files differ, and where the first of them is."""

from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aimager.image.filesystem.usage import BLOCK

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Bytes:
    """The bytes in blocks of 4 KiB that differ, of ``total``, and the ``first`` that does."""

    differing: int
    total: int
    first: int | None = None


def compare_bytes(one: Path, other: Path) -> Bytes:
    """Compare two files; what only the longer one has differs."""
    with one.open("rb") as first, other.open("rb") as second:
        return _compare(first, second)


def _compare(one: IO[bytes], other: IO[bytes]) -> Bytes:
    differing, at, place = 0, 0, None
    while True:
        chunks = one.read(_CHUNK), other.read(_CHUNK)
        longest = max(map(len, chunks))
        if not longest:
            return Bytes(differing, at, place)
        if chunks[0] != chunks[1]:
            differing += _count_blocks(*chunks)
            if place is None:
                place = at + _first(*chunks)
        at += longest


def _count_blocks(one: bytes, other: bytes) -> int:
    longest = max(len(one), len(other))
    return sum(
        min(BLOCK, longest - at)
        for at in range(0, longest, BLOCK)
        if one[at : at + BLOCK] != other[at : at + BLOCK]
    )


def _first(one: bytes, other: bytes) -> int:
    shortest = min(len(one), len(other))
    return next((at for at in range(shortest) if one[at] != other[at]), shortest)
