"""A user's file in TOML, and where in it a key stands."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aimager.config.parse import HERE
from aimager.errors import ConfigError

Key = tuple[str | int, ...]
"""The way to a value: names of keys, and numbers of elements."""

_LARGEST = 1 << 20
"""Bytes of a file; one of a hundred builds has about ten thousand."""


class TomlFile:
    """What the file at ``path`` holds, which ``variable`` names.

    :raises ConfigError: when it cannot be read, or is not valid TOML
    """

    def __init__(self, path: Path, variable: str) -> None:
        self.path = path
        self._text = _read(path, variable)
        try:
            self.data: dict[str, Any] = tomllib.loads(self._text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            told = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
            raise ConfigError(
                f"{path} is not valid TOML: {told}", hint=f"{variable}= takes a file in TOML"
            ) from error

    def error(self, told: str, key: Key, *, hint: str) -> ConfigError:
        """What to say of a value, where ``told`` says what is wrong with it."""
        return ConfigError(f"{told} ({self.place(key)})", hint=hint)

    def place(self, key: Key) -> str:
        """Where a key stands, for people."""
        return f"{self.path}, line {self.line_of(key)}: {shown_key(key)}"

    def line_of(self, key: Key) -> int:
        """The line, from 1, of the statement that first brings ``key`` about.

        The parser does not tell: it is that by which the beginning of the file gets to have it.
        """
        lines = self._text.split("\n")
        begin = 1
        for end in range(1, len(lines) + 1):
            try:
                found = tomllib.loads("\n".join(lines[:end]))
            except tomllib.TOMLDecodeError:  # in the middle of a statement
                continue
            if _has(found, key):
                return begin
            begin = end + 1
        return 1


def shown_key(key: Key) -> str:
    """A key as one writes it, elements counted from 1."""
    shown = ""
    for part in key:
        shown += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return shown.removeprefix(".") or "the file"


def _has(data: Any, key: Sequence[str | int]) -> bool:
    for part in key:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _read(path: Path, variable: str) -> str:
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(f"{variable}={path} is not a file", hint="name a file in TOML")
        with path.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise ConfigError(
                f"{variable}={path} has more than {_LARGEST} bytes", hint="name a file in TOML"
            )
        return content.decode("utf-8-sig").replace("\r\n", "\n")  # as Windows writes it
    except OSError as error:
        raise ConfigError(
            f"{variable}={path} cannot be read: {error.strerror}", hint=HERE
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{variable}={path} is not in UTF-8", hint="save it in UTF-8, as TOML has to be"
        ) from error
