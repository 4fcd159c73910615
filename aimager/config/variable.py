"""What there is to know about a variable of the command line, and the words that set some."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from aimager.config.parse import read_choice
from aimager.errors import ConfigError

Parser = Callable[[str, str, Path], Any]
"""Reads the text of a word, given its name and the folder where relative paths start."""


def of_text(read: Callable[[str], object]) -> Parser:
    """The parser that needs to know nothing but the text."""
    return lambda text, name, folder: read(text)


def of_name(read: Callable[..., object]) -> Parser:
    """The parser that also needs the ``variable``'s name, for what it says of a wrong text."""
    return lambda text, name, folder: read(text, variable=name)


def of_folder(read: Callable[[str, Path], object]) -> Parser:
    """The parser that also needs the folder where relative paths start."""
    return lambda text, name, folder: read(text, folder)


def of_path(read: Callable[..., object]) -> Parser:
    """The parser that needs both, the ``variable``'s name and the folder."""
    return lambda text, name, folder: read(text, folder, variable=name)


def of_choice(kind: type[StrEnum]) -> Parser:
    """The parser of the members of an enumeration, each by its value."""
    return lambda text, name, folder: read_choice(kind, text, variable=name)


as_written = of_text(str)


class Group(StrEnum):
    """What variables are about; the value is a heading."""

    build = "What is built"
    disk = "The disk"
    system = "The system"
    access = "Who can log in"
    network = "The network"
    packages = "Packages and mirrors"
    trust = "Whom to trust"
    results = "The results"
    run = "How the build runs"
    others = "For other tasks"


_OF_A_RUN = (Group.results, Group.run, Group.others)
"""What does not shape an image, as a rule."""


class Told(StrEnum):
    """What a manifest tells of the word that sets a variable, for who makes the build again."""

    text = "text"
    name = "name"
    """It is secret, of a file, or says whom to trust: it has to be given again."""
    nothing = "nothing"
    """It is of the machine or of the run, or the lock file says it."""


@dataclass(frozen=True)
class Variable:
    """A word ``name=value`` that the command line may have; ``-*`` at the end stands for many.

    ``default`` and ``example`` are for people; without a default it is left out. ``choices`` are
    the values that can be listed, and ``listed_by`` is the command that does; ``several`` may be
    given, separated by commas or as the lines of ``@FILE``; ``paths`` says that files or folders
    may be named. ``settings`` are the dotted names of the stages' settings and inputs that it
    becomes, as `aimager.products.changed_settings` reads them. The value of one that is ``secret``
    may hold a password. One with ``describes_build`` False does not ask for a build by itself.
    ``manifest`` is what a manifest tells of it, where that does not follow from the rest (`told`);
    of a text that it ``hides``, the name alone.
    """

    name: str
    group: Group
    meaning: str
    default: str = ""
    example: str = ""
    choices: tuple[str, ...] = ()
    parser: Parser = as_written
    settings: tuple[str, ...] = ()
    listed_by: str = ""
    several: bool = False
    paths: bool = False
    secret: bool = False
    describes_build: bool = True
    manifest: Told | None = None
    hides: Callable[[str], bool] | None = None

    def told(self, text: str) -> Told:
        """What a manifest tells of the word that has this ``text``."""
        told = self.manifest
        if told is None and self.group in _OF_A_RUN:
            told = Told.nothing
        if told is None and (self.secret or self.paths or self.group is Group.trust):
            told = Told.name
        is_list = self.several and text.startswith("@")  # a file, which is read before it is told
        hidden = is_list or (self.hides is not None and self.hides(text))
        return Told.name if hidden and told is not Told.nothing else told or Told.text

    @property
    def values(self) -> str:
        """What its values are, for people; empty where they cannot be listed."""
        if self.listed_by:
            return f"doit {self.listed_by} lists them"
        if not self.choices:
            return ""
        return f"{'some' if self.several else 'one'} of {', '.join(self.choices)}"

    def matches(self, word: str) -> bool:
        """Whether ``word`` is this variable's name, or one of those it stands for."""
        if not self.name.endswith("*"):
            return word == self.name
        return bool(re.fullmatch(re.escape(self.name[:-1]) + r"[A-Za-z0-9@._+-]+", word))

    def stem(self, word: str) -> str:
        """What the ``*`` stands for in ``word``."""
        return word.removeprefix(self.name[:-1])


class NotForBoardError(ConfigError):
    """A word, or a ``part`` of it, that is not for the board which is read, and may be for another.

    Without it, ``variable`` has the value ``rest``; empty: the word is left out.
    """

    def __init__(
        self, message: str, *, hint: str, variable: str, part: str = "", rest: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.variable = variable
        self.part = part
        self.rest = rest


@dataclass(frozen=True)
class Words:
    """The texts of words by name, which ``variables`` say how to read.

    Each is read when it is asked for; relative paths start at ``folder``, but those of the words
    ``elsewhere`` in folders of their own.
    """

    texts: Mapping[str, str]
    folder: Path
    variables: Mapping[str, Variable]
    elsewhere: Mapping[str, Path] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.texts

    def read(self, name: str, default: object = None) -> Any:
        """The value of a variable, or ``default`` where no word sets it.

        :raises ConfigError: for a text that is not one of its values
        """
        if name not in self.texts:
            return default
        return self.variables[name].parser(self.texts[name], name, self.start(name))

    def start(self, name: str) -> Path:
        """Where a relative path in the word ``name`` starts."""
        return self.elsewhere.get(name, self.folder)

    def read_many(self, name: str) -> dict[str, Any]:
        """The values of a variable that stands for many, by what its ``*`` stands for.

        A name that is a variable of its own is not among them.

        :raises ConfigError: for a text that is not one of its values
        """
        variable = self.variables[name]
        return {
            variable.stem(word): variable.parser(text, word, self.start(word))
            for word, text in sorted(self.texts.items())
            if variable.matches(word) and word not in self.variables
        }


def setting_names(variables: Iterable[Variable], given: Iterable[str]) -> dict[str, str]:
    """What sets each setting of a stage: a variable's name, or several, joined by "or".

    Of several it is the first that is ``given`` on the command line, if one is.
    """
    claims: dict[str, list[Variable]] = {}
    for variable in variables:
        for setting in variable.settings:
            claims.setdefault(setting, []).append(variable)
    words = tuple(given)
    found = {}
    for setting, claiming in claims.items():
        used = [v for v in claiming if any(v.matches(word) for word in words)]
        found[setting] = " or ".join(v.name for v in used[:1] or claiming)
    return found
