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
from aimager.config.variable import Words

_OF_THE_IMAGE = (*WHAT_IS_BUILT, *DISK, *SYSTEM, *ACCESS, *NETWORK, *PACKAGES, *TRUST)

VARIABLES = (*_OF_THE_IMAGE, *RESULTS, *RUN, *FINISHED, *GUEST, *OTHERS)
"""In the order in which they are explained; those of a group stand together."""

_BY_NAME = {variable.name: variable for variable in VARIABLES}


def is_secret(name: str) -> bool:
    """Whether what the variable ``name`` is given may hold a password."""
    return any(variable.secret and variable.matches(name) for variable in VARIABLES)


def make_words(
    texts: Mapping[str, str], folder: Path, elsewhere: Mapping[str, Path] | None = None
) -> Words:
    """Words that are read as the table says; relative paths start as `Words` has it."""
    return Words(texts, folder, _BY_NAME, elsewhere or {})
