"""A user's file in TOML, and where in it a key stands."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aimager.config.parse import HERE
from aimager.errors import ConfigError

Key = tuple[str | int, ...]
"""The way to a value: names of keys, and numbers of elements."""

_LARGEST = 1 << 20
"""Bytes of a file; one of a hundred builds has about ten thousand."""

_ENDS = ("]", "}", '"""', "'''")
"""What the last line of a statement of several lines has."""


class TomlFile:
    """What the file at ``path`` holds, which ``variable`` names.

    :raises ConfigError: when it cannot be read, or is not valid TOML
    """

    def __init__(self, path: Path, variable: str) -> None:
        self.path = path
        self._text = _read(path, variable)
        try:
            self.data: dict[str, Any] = tomllib.loads(self._text)
        except (
            ValueError,
            RecursionError,
        ) as error:  # the first also for a number that is too long
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
        """The line, from 1, of the statement that first brings ``key`` about."""
        table: Key = ()
        counts: dict[Key, int] = {}
        for line, text in _statements(self._text):
            data = tomllib.loads(text)
            if text.lstrip().startswith("["):
                path = table = _table_of(data, counts)
                is_it = path[: len(key)] == key
            else:
                path = (*table, *_path_of(data))
                is_it = bool(data) and path[: len(key)] == key[: len(path)]
            if is_it:
                return line
        return 1


def shown_key(key: Key) -> str:
    """A key as one writes it, elements counted from 1."""
    shown = ""
    for part in key:
        shown += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return shown.removeprefix(".") or "the file"


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each statement, empty line or comment of a valid file, with the line where it begins."""
    begin, lines = 1, list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        lines.append(line)
        if len(lines) > 1 and not any(end in line for end in _ENDS):
            continue
        try:
            tomllib.loads("\n".join(lines))
        except ValueError:  # it goes on
            continue
        yield begin, "\n".join(lines)
        begin, lines = number + 1, []


def _path_of(data: Any) -> Key:
    """The key of the one value that a statement sets."""
    path: Key = ()
    while isinstance(data, dict) and len(data) == 1:
        ((name, data),) = data.items()
        path += (name,)
    return path


def _table_of(data: Any, counts: dict[Key, int]) -> Key:
    """The key of the table that a statement begins, which of an array is one more than before."""
    path: Key = ()
    for name in _path_of(data):
        path += (name,)
        data = data[name]
        if isinstance(data, list):
            counts[path] = counts.get(path, 0) + 1
        if path in counts:
            path += (counts[path] - 1,)
    return path


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
