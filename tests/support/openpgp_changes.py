"""Signatures that differ from well made ones by one thing, chosen at random."""

import random
from dataclasses import replace

from tests.support.openpgp_maker import Made, time4

NOW = 1_790_000_000
"""The time of the clock in all cases, in seconds."""
DAY = 86400

TIMES = (0, 1, -DAY, DAY, -1900 * DAY, -999 * DAY, -850 * DAY, -500 * DAY, -20 * DAY)
"""When something is, seen from now, besides the usual times."""
LASTS = (0, 1, DAY, 100 * DAY, 3000 * DAY, 0x7FFFFFFF, 0xFFFFFFFF)
FLAGS = (b"", b"\0", b"\1", b"\2", b"\3", b"\x0c", b"\x20", b"\x80", b"\x82\4", b"\x10", b"\0\4")
KINDS = (0x00, 0x01, 0x10, 0x11, 0x12, 0x13, 0x18, 0x1F, 0x20, 0x28, 0x30, 0x50)


def alter(made: Made, chance: random.Random) -> Made:
    """The same signature, but for one thing."""
    last: int = chance.choice(LASTS)
    return chance.choice(
        (
            lambda: replace(made, kind=chance.choice(KINDS)),
            lambda: replace(made, hash=chance.choice((1, 2, 2, 2, 3, 8, 9, 11))),
            lambda: _old(made),
            lambda: replace(made, version=5),
            lambda: replace(made, time=NOW + chance.choice(TIMES)),
            lambda: replace(made, time=NOW + chance.choice(TIMES)),
            lambda: made.with_sub(chance.choice((3, 0x83)), time4(last)),
            lambda: made.with_sub(chance.choice((3, 9)), time4(last)),
            lambda: made.with_sub(4, b"\0"),
            lambda: made.with_sub(7, b"\0"),
            lambda: _without(made, 27).with_sub(27, chance.choice(FLAGS)),
            lambda: _without(made, 27),
            lambda: made.with_sub(chance.choice((20, 0x94, 0xE5, 0x9C, 0x85)), b"\0" * 8 + b"x"),
            lambda: made.with_sub(25, chance.choice((b"\0", b"\1", b"\1"))),
            lambda: made.with_sub(28, signers(chance)),
            lambda: made.with_sub(27, chance.choice(FLAGS)),
            lambda: replace(made, issuer=chance.choice(("F", "I", "i", "", "FW", "W", "FI"))),
            lambda: replace(made, has_time=False),
            lambda: replace(made, flip=True),
            lambda: replace(made, tail=chance.choice((b"x", b"\0\0", b"\0\1\1"))),
            lambda: made.with_sub(5, b"\1\x3c"),
            lambda: replace(
                made, unhashed=(*made.unhashed, (chance.choice((9, 3, 0xE5)), b"\0\0\0\1"))
            ),
            lambda: replace(made, by=replace(made.by, created=made.by.created + DAY)),
        )
    )()


def _old(made: Made) -> Made:
    return replace(made, version=3, hash=_hash(made))


def _hash(made: Made) -> int:
    """SHA-1 for what has no other in version 3, as PGP made them."""
    return 2 if made.kind >= 0x10 else made.hash


def _without(made: Made, kind: int) -> Made:
    return replace(made, subs=tuple(sub for sub in made.subs if sub[0] != kind))


def signers(chance: random.Random) -> bytes:
    return chance.choice((b"someone@else.org", b"nobody", b"", b"Some One <someone@else.org>"))
