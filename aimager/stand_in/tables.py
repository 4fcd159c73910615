"""Lists kept as text files in ``content/tables``: one item a line, ``#`` begins a comment."""

from functools import cache

from aimager.resources import locate_data

CONTENT = locate_data("aimager.stand_in", "content")


@cache
def read_table(name: str) -> tuple[str, ...]:
    lines = (CONTENT / "tables" / name).read_text().splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))
