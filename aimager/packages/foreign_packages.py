"""Packages for other machines than a platform's, which its pacman would refuse."""

from collections.abc import Iterable

from aimager.errors import ConfigError
from aimager.model.distro import Platform
from aimager.model.lock import LockedPackage

_ANY = "any"


def refuse_foreign(packages: Iterable[LockedPackage], platform: Platform) -> None:
    """Refuse what pacman's setting Architecture would have refused (libalpm, trans.c).

    :raises ConfigError: when one of them is for other machines than those of ``platform``
    """
    for package in packages:
        if package.architecture in (_ANY, *platform.architectures):
            continue
        told = f"the package {package}, of the repository {package.repository}, is for"
        if package.architecture in platform.architecture.levels:
            hint = f"arch={package.architecture} has the image take such packages"
        else:
            hint = "leave it out, or take it from a repository for this architecture"
        raise ConfigError(
            f"{told} {package.architecture}, and the build for {' '.join(platform.architectures)}",
            hint=hint,
        )
