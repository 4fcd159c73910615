"""What takes part in a build: platforms, mirrors, keys to trust, programs, and what to resolve."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from aimager import artifacts
from aimager.architecture import host_architecture
from aimager.borrow import WANTED
from aimager.build import Build, MirrorChoice, Tools
from aimager.distro import Distro, Keyring, Platform, ThirdPartyRepository
from aimager.distros import THIRD_PARTY_REPOSITORIES, platform_for_host
from aimager.pacman import host_has_pacman


@dataclass(frozen=True)
class Request:
    """Packages to resolve: ``subject`` names their lock.

    Those in ``welcome`` are taken as far as the repositories have them. Without ``dependencies``
    the packages are locked alone; ``bootstraps`` means that no program is borrowed for it yet.
    """

    subject: str
    platform: Platform
    packages: tuple[str, ...]
    welcome: tuple[str, ...] = ()
    dependencies: bool = True
    bootstraps: bool = False


@dataclass(frozen=True)
class Plan:
    """A build on this host."""

    build: Build
    host: Platform
    needs_pacman_static: bool

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """The platforms whose repositories take part: the host's own lends its programs."""
        lender = (self.host,) if self.lends else ()
        return tuple(dict.fromkeys((*lender, self.build.platform)))

    @property
    def lends(self) -> bool:
        """Whether stages run borrowed programs."""
        return self.build.tools is Tools.borrowed

    @property
    def borrow_subject(self) -> str:
        """The name of the borrowed root's lock and tasks."""
        return f"{self.host.id}.borrowed"

    @property
    def borrowed(self) -> Path | None:
        """The archive of the borrowed root, if the build uses it."""
        return artifacts.borrowed_archive(self.host) if self.lends else None

    @property
    def pacman_static(self) -> Path | None:
        """The archive of pacman-static, for a host that needs it."""
        return artifacts.pacman_static() if self.needs_pacman_static else None

    def mirrors(self, platform: Platform) -> MirrorChoice:
        """The user's mirrors; single repositories' are those of the platform that is built."""
        others = {repository.id for repository in THIRD_PARTY_REPOSITORIES}
        own = tuple(r for r in self.build.mirrors.repositories if r[0] not in others)
        built = platform == self.build.platform
        return replace(self.build.mirrors, repositories=own if built else ())

    def keyrings(self, owner: Distro | ThirdPartyRepository) -> tuple[Keyring, ...]:
        """The keyrings of ``owner`` with the keys to trust.

        The user's keys replace those of the distribution that is built; elsewhere they are
        trusted beside the pinned ones.
        """
        keyrings = owner.keyrings if isinstance(owner, Distro) else (owner.keyring,)
        trusted = self.build.mirrors.trusted_keys
        if not trusted:
            return keyrings
        if owner == self.build.platform.distro:
            return tuple(replace(k, master_keys=trusted) for k in keyrings)
        return tuple(replace(k, master_keys=(*trusted, *k.master_keys)) for k in keyrings)

    @property
    def requests(self) -> Iterator[Request]:
        """All that is to be resolved."""
        for platform in self.platforms:
            packages = tuple(keyring.package for keyring in platform.distro.keyrings)
            yield Request(
                f"{platform.id}.keyring", platform, packages, dependencies=False, bootstraps=True
            )
        if self.lends:
            yield Request(self.borrow_subject, self.host, (), WANTED, bootstraps=True)
        platform = self.build.platform
        rootfs = platform.distro.rootfs_packages
        yield Request(f"{platform.id}.rootfs", platform, rootfs)
        packages = (*rootfs, *self.build.installs)
        yield Request(self.build.id, platform, packages, self.build.welcome)

    def tool_tasks(self, *, bootstraps: bool = False) -> list[str]:
        """The tasks that make the programs of a stage."""
        static = ["fetch-pacman-static"] if self.needs_pacman_static else []
        lender = [f"make-rootfs-archive:{self.borrow_subject}"] if self.lends else []
        return static if bootstraps else static + lender


def make_plan(build: Build) -> Plan:
    """The plan of ``build`` on this machine.

    :raises HostError: when no distribution runs on it
    """
    return Plan(build, platform_for_host(host_architecture()), not host_has_pacman())
