"""The distributions and third-party repositories that are known, one file of data each.

May import: definitions, model, the ground.
"""

import importlib
import pkgutil
import re

from aimager.errors import HostError
from aimager.model.architecture import Architecture
from aimager.model.definition import checked
from aimager.model.distro import Distro, Platform, ThirdPartyRepository

DISTRO_ID = re.compile(r"[A-Za-z0-9]+")
"""What the id of a distribution is, which stands in names of tasks and folders."""

FAULTS: dict[str, str] = {}
"""What is wrong with files that define nothing, by their paths, which is for others to tell."""


def _read(name: str) -> list[Distro | ThirdPartyRepository]:
    try:
        values = list(vars(importlib.import_module(f"{__name__}.{name}")).values())
        return [checked(v) for v in values if isinstance(v, Distro | ThirdPartyRepository)]
    except Exception as error:  # whatever a file of data may raise
        FAULTS[f"{__path__[0]}/{name}.py"] = f"{type(error).__name__}: {error}"
        return []


_NAMES = sorted(module.name for module in pkgutil.iter_modules(__path__))
_DEFINITIONS = [definition for name in _NAMES for definition in _read(name)]

DISTROS: tuple[Distro, ...] = tuple(d for d in _DEFINITIONS if isinstance(d, Distro))
THIRD_PARTY_REPOSITORIES: tuple[ThirdPartyRepository, ...] = tuple(
    d for d in _DEFINITIONS if isinstance(d, ThirdPartyRepository)
)

PACMAN_STATIC_SOURCE = "archlinuxcn"
"""The repository that has pacman-static."""


def platform_for_host(architecture: Architecture) -> Platform:
    """The platform whose programs run natively on a host of ``architecture``.

    :raises HostError: when no distribution is made for it
    """
    for distro in sorted(DISTROS, key=lambda distro: not distro.lends):
        if architecture in distro.architectures:
            return Platform(distro, architecture)
    raise HostError(
        f"no distribution here runs on {architecture}, this machine's architecture",
        hint="build on another machine: doit distros lists the architectures",
    )
