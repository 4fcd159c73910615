"""Which texts are licence expressions of SPDX 2.3 (its annex D), by a list of the ids that exist.

``content/spdx-licenses.txt`` and ``content/spdx-exceptions.txt`` are those of the SPDX License
List, deprecated ones among them, one id a line.
"""

import functools
import re
from collections.abc import Sequence

from aimager.resources import read_data

_WORD = re.compile(r"\s*([A-Za-z0-9.+-]+|[()])")


@functools.cache
def _ids(name: str) -> frozenset[str]:
    text = read_data("aimager.image", f"content/spdx-{name}.txt")
    return frozenset(text.lower().split())  # annex D.2: case does not matter in ids


def join_licenses(licenses: Sequence[str]) -> str:
    """The expression for a package under all of ``licenses``; empty where one is no expression.

    Own licences (``LicenseRef-``) count as none, for their texts would have to be given too.
    """
    if not licenses or not all(map(_is_expression, licenses)):
        return ""
    if len(licenses) == 1:
        return licenses[0].strip()
    return " AND ".join(f"({text})" if " OR " in text else text.strip() for text in licenses)


def _is_expression(text: str) -> bool:
    words = _WORD.findall(text)
    if re.sub(r"\s", "", text) != "".join(words):
        return False
    rest = _after_expression(words)
    return rest is not None and not rest


def _after_expression(words: Sequence[str]) -> Sequence[str] | None:
    """What follows the expression that ``words`` begin with; None where they begin with none."""
    rest = _after_term(words)
    while rest and rest[0] in ("AND", "OR"):
        rest = _after_term(rest[1:])
    return rest


def _after_term(words: Sequence[str]) -> Sequence[str] | None:
    if not words:
        return None
    first, *rest = words
    if first == "(":
        inner = _after_expression(rest)
        return inner[1:] if inner and inner[0] == ")" else None
    if not _is_license(first):
        return None
    if rest and rest[0] == "WITH":
        known = len(rest) > 1 and rest[1].lower() in _ids("exceptions")
        return rest[2:] if known else None
    return rest


def _is_license(word: str) -> bool:
    known = _ids("licenses")
    return word.lower() in known or word.lower().removesuffix("+") in known
