"""The distributions and third-party repositories that are known, one file of data each.

May import: definitions, model, the ground.
"""

import re

from aimager.errors import HostError
from aimager.model.architecture import Architecture
from aimager.model.definition_folder import read_definitions
from aimager.model.distro import Distro, Platform, ThirdPartyRepository

DISTRO_ID = re.compile(r"[A-Za-z0-9]+")
"""What the id of a distribution is, which stands in names of tasks and folders."""

_READ = read_definitions(
    __name__, __path__[0], {"DISTRO": Distro, "REPOSITORY": ThirdPartyRepository}
)

FAULTS: dict[str, str] = _READ.faults
"""What is wrong with files, by their paths, which is for others to tell."""

DISTROS: tuple[Distro, ...] = tuple(d for d in _READ.values if isinstance(d, Distro))
THIRD_PARTY_REPOSITORIES: tuple[ThirdPartyRepository, ...] = tuple(
    d for d in _READ.values if isinstance(d, ThirdPartyRepository)
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
