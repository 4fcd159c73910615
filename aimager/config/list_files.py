"""Lists that stand in files: ``NAME=@FILE``."""

from collections.abc import Mapping
from pathlib import Path

from aimager.config.package_lists import NAME as PACKAGE_LISTS
from aimager.config.package_lists import read_package_lists
from aimager.config.parse import is_text
from aimager.config.paths import read_text
from aimager.config.variables import VARIABLES, is_secret
from aimager.errors import ConfigError

_PACKAGES = "install-pkgs"


def with_lists(
    texts: Mapping[str, str], folder: Path, elsewhere: Mapping[str, Path] | None = None
) -> dict[str, str]:
    """The texts of variables, those of lists that are ``@FILE`` in place of it.

    What the files of ``packages-from`` name is added to ``install-pkgs``.

    A file has a value, or several separated by commas, in each line; empty lines and those that
    begin with ``#`` are nothing. A relative path starts at ``folder``, or, of the words that are
    ``elsewhere``, in a folder of its own.

    :raises ConfigError: when a file cannot be read, or for what no value can have
    """
    check_values(texts)
    starts = elsewhere or {}
    found = {name: _read(name, text, starts.get(name, folder)) for name, text in texts.items()}
    if PACKAGE_LISTS in found:
        lists = found.pop(PACKAGE_LISTS)
        names = read_package_lists(lists, starts.get(PACKAGE_LISTS, folder))
        found[_PACKAGES] = ",".join((*filter(None, [found.get(_PACKAGES)]), *names))
    return found


def check_values(texts: Mapping[str, str]) -> None:
    """Refuse what no program takes as an argument, and what is not text.

    Python has bytes that are not UTF-8 as lone surrogates, which no record or manifest can have.

    :raises ConfigError: then; the value of what may be a password is not repeated
    """
    for name, text in texts.items():
        if "\0" in text:
            raise ConfigError(
                f"{name}= has a NUL character, which no value can have",
                hint=f"leave it out of {name}=",
            )
        if not is_text(text):
            raise ConfigError(
                f"{name}={'' if is_secret(name) else text} is not in UTF-8",
                hint="type it on a terminal that writes UTF-8",
            )


def _read(name: str, text: str, folder: Path) -> str:
    if not text.startswith("@") or not any(v.several and v.matches(name) for v in VARIABLES):
        return text
    content = read_text(folder / text[1:], name).removeprefix("\ufeff")  # as Windows writes it
    lines = (line.strip() for line in content.split("\n"))
    words = ",".join(line.rstrip(",") for line in lines if line and not line.startswith("#"))
    # What a file has is a list, also to who reads it once more, and no file's name.
    check_values({name: words})
    return f",{words}" if words.startswith("@") else words
