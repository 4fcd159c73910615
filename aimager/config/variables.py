"""The table of all variables of the command line, ``name=value``."""

from collections.abc import Mapping
from pathlib import Path

from aimager.config.access_variables import ACCESS
from aimager.config.finished_variables import FINISHED
from aimager.config.guest_variables import GUEST
from aimager.config.image_variables import DISK, WHAT_IS_BUILT
from aimager.config.network_variables import NETWORK
from aimager.config.package_variables import PACKAGES, TRUST
from aimager.config.run_variables import OTHERS, RESULTS, RUN
from aimager.config.system_variables import SYSTEM
from aimager.config.variable import Told, Words
from aimager.model.recipe import Recipe

_OF_THE_IMAGE = (*WHAT_IS_BUILT, *DISK, *SYSTEM, *ACCESS, *NETWORK, *PACKAGES, *TRUST)

VARIABLES = (*_OF_THE_IMAGE, *RESULTS, *RUN, *FINISHED, *GUEST, *OTHERS)
"""In the order in which they are explained; those of a group stand together."""

_BY_NAME = {variable.name: variable for variable in VARIABLES}


def is_secret(name: str) -> bool:
    """Whether what the variable ``name`` is given may hold a password."""
    return any(variable.secret and variable.matches(name) for variable in VARIABLES)


def is_told(name: str) -> bool:
    """Whether a manifest tells anything of the variable ``name``, if only that it was given."""
    return any(v.matches(name) and v.told("") is not Told.nothing for v in VARIABLES)


def make_recipe(texts: Mapping[str, str]) -> Recipe:
    """What a manifest tells of the words with these ``texts``; of those that mean nothing, nothing.

    :raises ConfigError: for a text that is not one of a variable's values
    """
    told = {
        name: variable.told(text)
        for name, text in sorted(texts.items())
        for variable in VARIABLES
        if text and variable is _BY_NAME.get(name, variable) and variable.matches(name)
    }
    words = [(name, texts[name]) for name, how in told.items() if how is Told.text]
    again = tuple(name for name, how in told.items() if how is Told.name)
    return Recipe(tuple(word for word in words if _means_something(*word)), again)


def _means_something(name: str, text: str) -> bool:
    """Whether a word that names no file has another value than an empty one."""
    variable = next(v for v in VARIABLES if v.matches(name))
    return variable.parser(text, name, Path()) not in ((), "", None)


def make_words(
    texts: Mapping[str, str], folder: Path, elsewhere: Mapping[str, Path] | None = None
) -> Words:
    """Words that are read as the table says; relative paths start as `Words` has it."""
    return Words(texts, folder, _BY_NAME, elsewhere or {})
