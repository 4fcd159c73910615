"""How lines on a terminal are formed."""

import textwrap

from aimager.graph.console.events import Record

_NARROWEST = 12
"""Columns that a text has beside what stands before it, however narrow the terminal is."""


def clock(seconds: float) -> str:
    """A time in a few columns: ``9.5 s``, and from a minute on ``1:05``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def folded(start: str, text: str, columns: int) -> str:
    """``start`` and ``text`` in lines of so many columns, below one another; words stay whole."""
    lines = textwrap.wrap(
        text,
        max(columns - len(start), _NARROWEST),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return start + f"\n{' ' * len(start)}".join(lines)


def bar_format(step: Record) -> str:
    """tqdm's format for a step, by what is known of it."""
    if step["unit"] == "B":
        if step["total"]:
            return (
                "{desc} {percentage:3.0f}%|{bar}| {n_fmt}B of {total_fmt}B"
                " [{elapsed}<{remaining}, {rate_fmt}]"
            )
        return "{desc} {n_fmt}B [{elapsed}, {rate_fmt}]"
    if step["total"]:
        return "{desc} {percentage:3.0f}%|{bar}| {n_fmt} of {total_fmt} [{elapsed}]{postfix}"
    return "{desc} [{elapsed}]{postfix}"
