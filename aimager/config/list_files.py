"""Lists that stand in files: ``NAME=@FILE``."""

from collections.abc import Mapping
from pathlib import Path

from aimager.config.paths import read_text
from aimager.config.variables import VARIABLES


def with_lists(texts: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The texts of variables, those of lists that are ``@FILE`` in place of it.

    A file has a value, or several separated by commas, in each line; empty lines and those that
    begin with ``#`` are nothing. A relative path starts at ``folder``.

    :raises ConfigError: when a file cannot be read
    """
    return {name: _read(name, text, folder) for name, text in texts.items()}


def _read(name: str, text: str, folder: Path) -> str:
    if not text.startswith("@") or not any(v.several and v.matches(name) for v in VARIABLES):
        return text
    content = read_text(folder / text[1:], name).removeprefix("\ufeff")  # as Windows writes it
    lines = (line.strip() for line in content.splitlines())
    words = ",".join(line.rstrip(",") for line in lines if line and not line.startswith("#"))
    # What a file has is a list, also to who reads it once more, and no file's name.
    return f",{words}" if words.startswith("@") else words
