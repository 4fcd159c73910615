"""The distributions and third-party repositories that are known, one file of data each.

May import: definitions, model, the ground.
"""

import importlib
import pkgutil

from aimager.errors import HostError
from aimager.model.architecture import Architecture
from aimager.model.distro import Distro, Platform, ThirdPartyRepository


def _definitions() -> list[object]:
    modules = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name)
    ]
    return [value for module in modules for value in vars(module).values()]


DISTROS: tuple[Distro, ...] = tuple(d for d in _definitions() if isinstance(d, Distro))
THIRD_PARTY_REPOSITORIES: tuple[ThirdPartyRepository, ...] = tuple(
    d for d in _definitions() if isinstance(d, ThirdPartyRepository)
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
