"""Which of two versions of a package is newer, as vercmp(8) and libalpm's version.c have it."""

import re
from itertools import zip_longest

_PIECE = re.compile(r"([^0-9A-Za-z]*)([0-9]+|[A-Za-z]+|\Z)")
"""The end is one, too: what searches on from each separator in vain takes quadratic time."""


def compare_versions(one: str, other: str) -> int:
    """Below 0 where ``one`` is older, above where it is newer, 0 where neither is.

    Each is ``[EPOCH:]VERSION[-RELEASE]``; the release counts only where both have one.
    """
    ones, others = _split(one), _split(other)
    for first, second in zip(ones, others, strict=True):
        if first is None or second is None:
            return 0
        if found := _compare(first, second):
            return found
    return 0


def _split(version: str) -> tuple[str, str, str | None]:
    epoch, colon, rest = version.partition(":")
    if not colon or not epoch.isdecimal():
        epoch, rest = "0", version
    name, dash, release = rest.rpartition("-")
    return (epoch, name, release) if dash else (epoch, rest, None)


def _compare(one: str, other: str) -> int:
    """Compare pieces of digits and of letters, one after the other."""
    for first, second in zip_longest(_pieces(one), _pieces(other)):
        if first is None or second is None:
            separator, piece = first or second
            # What goes on with letters, as 1.0rc does, comes before what has ended.
            is_older = not separator and piece[0].isalpha()
            return -1 if (second is None) == is_older else 1
        if len(first[0]) != len(second[0]):
            return -1 if len(first[0]) < len(second[0]) else 1
        found = _compare_pieces(first[1], second[1])
        if found:
            return found
    return 0


def _pieces(text: str) -> list[tuple[str, str]]:
    """Each piece with the separators before it."""
    return [found for found in _PIECE.findall(text) if found[1]]


def _compare_pieces(one: str, other: str) -> int:
    if one.isdigit() != other.isdigit():
        return 1 if one.isdigit() else -1
    if one.isdigit():
        # As libalpm does: int() takes no more than 4300 digits.
        one, other = one.lstrip("0"), other.lstrip("0")
        if len(one) != len(other):
            return 1 if len(one) > len(other) else -1
    return (one > other) - (one < other)
