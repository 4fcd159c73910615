"""Lists kept as text files in ``content/tables``: one item a line, ``#`` begins a comment."""

from functools import cache
from pathlib import Path

CONTENT = Path(__file__).parent / "content"


@cache
def read_table(name: str) -> tuple[str, ...]:
    lines = (CONTENT / "tables" / name).read_text().splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))
