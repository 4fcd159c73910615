"""JSON from outside: read only where all readers would take it for the same, and never too deep."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, NoReturn


def parse_json(content: bytes) -> Any:
    """The value that ``content``, of a size that the caller limits, is the JSON of.

    A field that is there twice, of which readers differ in which they take, and numbers that JSON
    does not have, such as NaN, are refused.

    :raises ValueError: when it cannot be read so
    """
    try:
        return json.loads(content, object_pairs_hook=_read_object, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _read_object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        several = Counter(name for name, _ in pairs)
        raise ValueError(f"it says {next(n for n in several if several[n] > 1)!r} twice")
    return found


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"it has the number {text}")
