"""Names that somebody may have meant who wrote another."""

import difflib
from collections.abc import Iterable

_NAMED = 3


def nearest(name: str, known: Iterable[str], form: str = "{}") -> str:
    """A question for those of the ``known`` names, three at most, that ``name`` is the nearest to.

    Each is shown in ``form``. It ends in a blank; empty: none is near.
    """
    names = {each.casefold(): each for each in known}
    close = difflib.get_close_matches(name.casefold(), names, n=_NAMED)
    *first, last = [form.format(names[each]) for each in close] or [""]
    return f"did you mean {' or '.join((', '.join(first), last)) if first else last}? " * bool(last)
