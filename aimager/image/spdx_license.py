"""Which texts are licence expressions of SPDX 2.3 (its annex D), by the ids that exist.

The ids are those of the library license-expression, whose index has them from the SPDX License
List, deprecated ones among them, and many more of ScanCode's.
"""

import functools
import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from license_expression import Licensing

_OPERATORS = {"AND", "OR", "WITH"}
_OTHER_SPELLINGS = {"BSD-2", "GPL", "Verbatim-man-pages"}
"""Names that the index has for licences beside their ids, and SPDX's list never had."""

_HOLLOW = re.compile(r"\(\s*(?:AND|OR|WITH)\b|\b(?:AND|OR|WITH)\s*(?:\)|$)|\(\s*\)")
"""Where a term is missing, which the library takes, or fails at otherwise than by its own error."""


def license_list_version() -> str:
    """The version of the library, which decides what is an id, and so what documents say."""
    return version("license-expression")


def join_licenses(licenses: Sequence[str]) -> str:
    """The expression for a package under all of ``licenses``; empty where one is not an expression.

    Own licences (``LicenseRef-``) do not count, for their texts would have to be given too.
    """
    if not licenses or not all(map(_is_expression, licenses)):
        return ""
    if len(licenses) == 1:
        return licenses[0].strip()
    return " AND ".join(f"({text})" if " OR " in text else text.strip() for text in licenses)


@functools.cache
def _licensing() -> "Licensing":
    """The parser of expressions that knows SPDX's ids alone, each also with a ``+`` (annex D.2)."""
    # Not above: it takes 0.1 s, which every build would wait for.
    from license_expression import LicenseSymbol, Licensing, get_license_index

    licenses, exceptions = set[str](), set[str]()
    for entry in get_license_index():
        found = {entry["spdx_license_key"] or "", *entry["other_spdx_license_keys"]}
        # What the index has as a deprecated exception is to SPDX a licence that includes one.
        is_exception = entry["is_exception"] and not entry["is_deprecated"]
        (exceptions if is_exception else licenses).update(found)
    ids = {key for key in licenses if key and not key.startswith("LicenseRef-")} - _OTHER_SPELLINGS
    later = {f"{key}+" for key in ids if not key.endswith("+")}
    return Licensing(
        [
            *(LicenseSymbol(key) for key in ids | later),
            *(LicenseSymbol(key, is_exception=True) for key in exceptions if key),
        ]
    )


@functools.cache
def _is_expression(text: str) -> bool:
    from license_expression import ExpressionError

    words = re.split(r"[\s()]+", text)
    if any(word.upper() in _OPERATORS and word not in _OPERATORS for word in words):
        return False  # the library takes operators in any case, SPDX does not
    if _HOLLOW.search(text):
        return False
    try:
        return _licensing().parse(text, validate=True, strict=True, simple=True) is not None
    except ExpressionError:
        return False
