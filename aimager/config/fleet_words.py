"""The words that a table of ``builds=FILE`` has: each as the command line would have it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimager.config.platform import is_file_name
from aimager.config.toml_file import Key, TomlFile
from aimager.config.unknown_names import check_names
from aimager.config.variable import Group, Variable
from aimager.config.variables import VARIABLES
from aimager.errors import ConfigError
from aimager.model.build import BUILD_NAME

BOARD = "board"
"""The variable of which several values are several builds."""

NOT_IN_FILES = frozenset(
    {"builds", "only", *(variable.name for variable in VARIABLES if variable.group is Group.others)}
)
"""Variables that are about a file of builds, or for other tasks."""


@dataclass(frozen=True)
class Word:
    """What a table gives a variable; ``key`` is where, or empty for the command line.

    ``is_axis`` tells that each of the ``texts`` is for builds of its own.
    """

    texts: tuple[str, ...]
    key: Key
    is_axis: bool = False


def read_words(
    file: TomlFile,
    table: Mapping[str, Any],
    key: Key,
    *,
    many: Sequence[str] | None,
    lists_only: bool = False,
) -> dict[str, Word]:
    """The words of the ``table`` at ``key``.

    An array is a list where the variable takes one, and else has values for builds of their own, if
    the variable is among ``many``; None: whichever it is. ``lists_only`` is for what is added.

    :raises ConfigError: for what is not the name of a variable, or is not a value
    """
    return {
        name: _read(file, name, value, (*key, name), many, lists_only)
        for name, value in table.items()
    }


def _read(
    file: TomlFile, name: str, value: Any, key: Key, many: Sequence[str] | None, lists_only: bool
) -> Word:
    variable = _find(file, name, key)
    is_list = variable.several and name != BOARD
    if lists_only and not is_list:
        raise file.error(f"{name} takes one value", key, hint="only to lists something is added")
    if not isinstance(value, list):
        return Word((_text(file, name, value, key),), key)
    texts = tuple(_text(file, name, item, (*key, n)) for n, item in enumerate(value))
    if is_list:
        _check_items(file, name, texts, key)
        return Word(texts, key)
    if variable.secret or (many is not None and name not in many):
        raise file.error(
            f"{name} takes one value", key, hint="an array has several of them; [matrix] may"
        )
    if not texts:
        raise file.error(f"{name} has no value", key, hint="name one, or leave it out")
    return Word(tuple(dict.fromkeys(texts)), key, is_axis=True)


def _find(file: TomlFile, name: str, key: Key) -> Variable:
    try:
        check_names((name,))
    except ConfigError as error:
        raise file.error(error.message, key, hint=error.hint) from None
    if name in NOT_IN_FILES:
        raise file.error(
            f"{name} has no place in a file of builds", key, hint=f"leave {name} out of it"
        )
    return next(variable for variable in VARIABLES if variable.matches(name))


def _text(file: TomlFile, name: str, value: Any, key: Key) -> str:
    """A value as text; what is not right is not repeated, for it may be a password."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return value
    raise file.error(
        f"{name} has a value that is neither text, a whole number, true nor false",
        key,
        hint="write it in quotes, as on the command line",
    )


def _check_items(file: TomlFile, name: str, texts: Sequence[str], key: Key) -> None:
    if any(text.startswith("@") for text in texts) and len(texts) > 1:
        raise file.error(
            f"{name} has @FILE among others", key, hint=f'{name} = "@FILE" takes all from the file'
        )


def name_part(file: TomlFile, axis: str, value: str, key: Key) -> str:
    """What stands for a value of an ``axis`` in the names of builds: of a file its name.

    :raises ConfigError: where no name can have it
    """
    part = _short(value)
    if BUILD_NAME.fullmatch(part):
        return part
    told = f"{axis}={value} cannot be part of a build's name"
    hint = "give it to a variant, whose name it then has: [matrix.variants.NAME]"
    raise file.error(told, key, hint=hint) if key else ConfigError(told, hint=hint)


def _short(value: str) -> str:
    """A value as names have it: of a file the name, without its suffix."""
    return Path(value).stem if is_file_name(value) else value


def fill(words: Mapping[str, str], name: str, *, given: Mapping[str, Key]) -> dict[str, str]:
    """``words`` with what stands for ``{name}`` and ``{board}`` in those of the file."""
    board = _short(words.get(BOARD, ""))
    return {
        variable: text.replace("{name}", name).replace("{board}", board)
        if variable in given
        else text
        for variable, text in words.items()
    }
