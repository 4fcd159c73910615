"""Packages like those of a usual desktop, in number and sizes, of which nothing can be run.

A package of Arch Linux's has, in the middle, some 0.5 MB, and the tenth of them that are largest
have more than 5 MB each: the sizes are those of a log-normal distribution, as are those of the
files of each. Contents compress to a third, as real packages do. All is the same at each making.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

from aimager.stand_in.entry import Entry, arrange_entries, make_file
from aimager.stand_in.metadata import Metadata

DATE = 1_740_000_000
META = "bench-desktop"
"""The package that depends on all others."""

_SPREAD = 1.8  # of the logarithm of sizes
_FILES_SPREAD = 1.2
_POOL = 1 << 25
_WORDS = 500
_NOISE, _TEXT = 1_000, 5_000
"""Bytes that stand beside each other in a program, of what cannot be compressed and what can."""

_PLACES = (
    ("usr/lib/{name}/{number}.so", "program"),
    ("usr/share/doc/{name}/{number}.txt", "text"),
    ("usr/share/locale/l{number}/LC_MESSAGES/{name}.mo", "text"),
    ("usr/share/{name}/{number}.dat", "program"),
    ("usr/include/{name}/{number}.h", "text"),
    ("usr/share/icons/{name}/{number}.png", "noise"),
)


@dataclass(frozen=True)
class Planned:
    """A package to be: bytes that it installs, and files."""

    name: str
    size: int
    files: int

    @property
    def metadata(self) -> Metadata:
        """What it is called."""
        return Metadata(self.name, "1.0-1", "x86_64", "Of a desktop", "", DATE)


def plan(count: int, size: int, files: int) -> list[Planned]:
    """So many packages that have together about ``size`` bytes in ``files`` files."""
    chance = random.Random(count)
    order = chance.sample(range(count), count)
    sizes, numbers = _spread(count, _SPREAD), _spread(count, _FILES_SPREAD)
    # Large packages tend to have many files, and not always.
    places = sorted(range(count), key=lambda index: order[index] + chance.gauss(0, count / 6))
    many = dict(zip(places, numbers, strict=True))
    return [
        Planned(
            f"bench-{index:03}",
            max(round(sizes[order[index]] * size), 1000),
            max(round(many[index] * files), 1),
        )
        for index in range(count)
    ]


def _spread(count: int, spread: float) -> list[float]:
    """Parts of one, from the smallest up, whose logarithms are distributed normally."""
    normal = NormalDist(0, spread)
    values = [2.718281828 ** normal.inv_cdf((index + 0.5) / count) for index in range(count)]
    return [value / sum(values) for value in values]


def entries(planned: Planned) -> tuple[Entry, ...]:
    """All that a package installs."""
    chance = random.Random(planned.name)
    parts = _spread(planned.files, _FILES_SPREAD)
    files = [make_file(f"usr/bin/{planned.name}", data("program", parts.pop(), planned), 0o755)]
    for number, part in enumerate(chance.sample(parts, len(parts))):
        place, kind = _PLACES[number % len(_PLACES)]
        path = place.format(name=planned.name, number=number)
        files.append(make_file(path, data(kind, part, planned)))
    return arrange_entries(files, DATE)


def data(kind: str, part: float, planned: Planned) -> bytes:
    """The content of a file that is a part of its package."""
    return content(kind, max(round(part * planned.size), 1), planned.name)


def content(kind: str, size: int, seed: str) -> bytes:
    """Some of a kind: ``noise`` cannot be compressed, ``text`` can, and a ``program`` has both."""
    pool = _pool(kind)
    start = random.Random(f"{seed}{size}").randrange(_POOL)
    times = (start + size) // len(pool) + 1
    return (pool * times)[start : start + size] if times > 1 else pool[start : start + size]


@cache
def _pool(kind: str) -> bytes:
    chance = random.Random(kind)
    if kind == "noise":
        return chance.randbytes(_POOL)
    if kind == "text":
        words = [chance.randbytes(chance.randint(1, 4)).hex().encode() for _ in range(_WORDS)]
        common = [1 / (rank + 1) for rank in range(_WORDS)]
        return b" ".join(chance.choices(words, common, k=_POOL // 4))[:_POOL]
    noise, text = _pool("noise"), _pool("text")
    starts = range(0, _POOL - _TEXT, _NOISE + _TEXT)
    pieces = (noise[at : at + _NOISE] + text[at : at + _TEXT] for at in starts)
    return b"".join(pieces)


def meta(names: Sequence[str]) -> Metadata:
    """The package that brings all of them."""
    return Metadata(META, "1-1", "any", "A desktop", "", DATE, depends=tuple(names))


def firmware(part: int, size: int) -> Iterator[tuple[str, bytes]]:
    """Files of firmware of one maker, by their paths, before each is compressed."""
    chance = random.Random(part)
    left = size
    while left > 0:
        length = min(int(chance.lognormvariate(11, 1.4)) + 1, left, 20_000_000)
        left -= length
        yield f"usr/lib/firmware/m{part}/{left}.bin", chance.randbytes(length)
