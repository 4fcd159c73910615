"""Packages for other machines than a platform's, which its pacman would refuse."""

from collections.abc import Collection, Iterable

from aimager.errors import ConfigError
from aimager.model.distro import Platform
from aimager.model.lock import LockedPackage

_ANY = "any"


def is_taken(architecture: str, architectures: Collection[str]) -> bool:
    """Whether a pacman of these architectures takes a package for ``architecture``."""
    return architecture == _ANY or architecture in architectures


def refuse_foreign(
    packages: Iterable[LockedPackage], platform: Platform, *, borrowed: bool = False
) -> None:
    """Refuse what pacman's setting Architecture would have refused (libalpm, trans.c).

    What is ``borrowed`` is for this machine, whatever level the build is for.

    :raises ConfigError: when one of them is for other machines than those of ``platform``
    """
    for package in packages:
        if is_taken(package.architecture, platform.architectures):
            continue
        taken = " ".join(platform.architectures)
        told = f"the package {package}, of the repository {package.repository}, is for"
        if borrowed:
            raise ConfigError(
                f"{told} {package.architecture}, and what helps to build has to be for {taken}",
                hint="name a repository that has it behind those of repos-base=, as core behind"
                " core-v3; packages of a level are for the image alone",
            )
        if package.architecture in platform.architecture.levels:
            hint = f"arch={package.architecture} has the image take such packages"
        else:
            hint = "leave it out, or take it from a repository for this architecture"
        raise ConfigError(f"{told} {package.architecture}, and the build for {taken}", hint=hint)
