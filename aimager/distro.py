"""Distributions and their repositories, as data."""

from dataclasses import dataclass

from aimager.architecture import Architecture


@dataclass(frozen=True)
class Keyring:
    """A pacman keyring and the keys that everything in it hangs on.

    The package ``package`` holds usr/share/pacman/keyrings/``name``.gpg, -trusted and -revoked;
    ``master_keys`` are the fingerprints that we pin, in capitals.
    """

    name: str
    package: str
    master_keys: tuple[str, ...]


@dataclass(frozen=True)
class Mirrors:
    """Where repositories are served: ``$repo`` and ``$arch`` stand for their names.

    ``path`` is the place below a mirror that carries several distributions (``repo-url-parent``),
    ``url`` a server for the whole world.
    """

    path: str
    url: str


@dataclass(frozen=True)
class Distro:
    """A distribution that pacman installs."""

    id: str
    name: str
    aliases: tuple[str, ...]
    architectures: tuple[Architecture, ...]
    mirrors: Mirrors
    keyrings: tuple[Keyring, ...]
    mirrorlist: str = "etc/pacman.d/mirrorlist"
    """The file of the image that its pacman.conf includes for mirrors."""
    core_repository: str = "core"
    """The repository that holds ``pacman``, whose pacman.conf names the others."""
    base_packages: tuple[str, ...] = ("base",)

    @property
    def rootfs_packages(self) -> tuple[str, ...]:
        """What every root of this distribution is asked to hold."""
        return self.base_packages + tuple(keyring.package for keyring in self.keyrings)


@dataclass(frozen=True)
class ThirdPartyRepository:
    """A repository outside the distributions, with a keyring of its own."""

    id: str
    architectures: tuple[Architecture, ...]
    mirrors: Mirrors
    keyring: Keyring


@dataclass(frozen=True)
class Platform:
    """A distribution on one of its architectures."""

    distro: Distro
    architecture: Architecture

    @property
    def id(self) -> str:
        """``DISTRO-ARCH``, as it stands in task names and paths."""
        return f"{self.distro.id}-{self.architecture}"
