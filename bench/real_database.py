"""A database as large as that of Arch Linux's extra, of packages that exist in it alone.

In 2026 that had 15,000 packages in 8.5 MB, of 40 MB unpacked; with core it is some 9 MB.
"""

import base64
import hashlib
import random
from collections.abc import Sequence

from aimager.stand_in.metadata import Built, Metadata, write_desc

_PACKAGES = 15_000
_WORDS = 6_000
_SYLLABLES = "ba be bi co da de di fo ga gi ka ki la le li lo ma mi mo na ne no pa pi ra re ri sa se ta ti to va vi xo zu"  # noqa: E501
_DATE = 1_700_000_000
_SIGNATURE = 119  # bytes of an Ed25519 signature as OpenPGP has it


def entries() -> dict[str, bytes]:
    """Each package's ``desc``, by its name and version; the same at each call."""
    chance = random.Random(0)
    words = sorted(
        {"".join(chance.choices(_SYLLABLES.split(), k=chance.randint(2, 4))) for _ in range(_WORDS)}
    )
    names = [f"bulk-{chance.choice(words)}-{number}" for number in range(_PACKAGES)]
    found = {}
    for name in names:
        version = f"{chance.randint(0, 30)}.{chance.randint(0, 99)}.{chance.randint(0, 20)}-1"
        found[f"{name}-{version}"] = _desc(name, version, names, words, chance)
    return found


def _desc(
    name: str, version: str, names: Sequence[str], words: Sequence[str], chance: random.Random
) -> bytes:
    def some(most: int) -> tuple[str, ...]:
        return tuple(sorted(chance.choices(names, k=chance.randint(0, most))))

    metadata = Metadata(
        name,
        version,
        "x86_64",
        " ".join(chance.choices(words, k=chance.randint(4, 12))),
        f"https://{chance.choice(words)}.example/{chance.choice(words)}",
        _DATE + chance.randint(0, 80_000_000),
        depends=some(16),
        provides=tuple(
            f"lib{chance.choice(words)}.so={number}-64" for number in range(len(some(3)))
        ),
        optional=tuple(f"{other}: {' '.join(chance.choices(words, k=5))}" for other in some(6)),
    )
    file = f"{name}-{version}-x86_64.pkg.tar.zst"
    built = Built(
        metadata,
        file,
        chance.randint(2_000, 5_000_000),
        chance.randint(5_000, 20_000_000),
        hashlib.sha256(file.encode()).hexdigest(),
    )
    more = {
        "MAKEDEPENDS": some(12),
        "CHECKDEPENDS": some(3),
        "PGPSIG": (base64.b64encode(chance.randbytes(_SIGNATURE)).decode(),),
    }
    return write_desc(built) + b"".join(
        f"%{key}%\n{chr(10).join(values)}\n\n".encode() for key, values in more.items() if values
    )
