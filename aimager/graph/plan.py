"""What takes part in a build: platforms, mirrors, keys to trust, programs, and what to resolve."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aimager.distros import PACMAN_STATIC_SOURCE, THIRD_PARTY_REPOSITORIES
from aimager.graph import artifacts
from aimager.graph.lender import Lender
from aimager.graph.request import Request
from aimager.model.architecture import Architecture
from aimager.model.build import Build, MirrorChoice, Tools
from aimager.model.distro import Distro, Keyring, Platform, ThirdPartyRepository
from aimager.sandbox.binfmt import runs_here


@dataclass(frozen=True)
class Plan:
    """A build that is asked for on this machine, which is one for the platform ``host``.

    It is made by a machine for ``maker``: this one, or a worker of a cluster. What it shares with
    the ``others`` of its run, such as the keyring of the host's platform, is the same for all of
    them: what the user says of a platform holds wherever one of them is for it.
    """

    build: Build
    host: Platform
    maker: Platform
    needs_pacman_static: bool
    lock: Path | None = None
    """The user's lock file, which takes the place of resolving."""
    others: tuple["Plan", ...] = ()
    board_subject: str = ""
    """The name of the lock and the system of the board alone; empty: nothing is added to those."""
    installs_by_all: bool = False
    """Whether all that is borrowed installs packages, as older lock files have it."""

    @property
    def _together(self) -> tuple["Plan", ...]:
        return self.others or (self,)

    def is_built(self, platform: Platform) -> bool:
        """Whether a build of the run is for the platform, whatever is added to it."""
        return any(plan.build.platform == platform.plain for plan in self._together)

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """The platforms whose repositories take part: some lend their programs."""
        lending = (lender.platform for lender in self.lenders)
        return tuple(dict.fromkeys((*lending, self.build.platform, self.build.sources)))

    @property
    def keyring_platforms(self) -> tuple[Platform, ...]:
        """The platforms that have keyrings: no key comes out of what nobody signed."""
        return tuple(dict.fromkeys(platform.signed for platform in self.platforms))

    @property
    def synced_platforms(self) -> tuple[Platform, ...]:
        """The platforms whose databases are needed."""
        return tuple(dict.fromkeys((*self.keyring_platforms, *self.platforms)))

    def own_packages(self, platform: Platform) -> tuple[Path, ...]:
        """Where the platform's packages are that nobody signed."""
        return self.build.own_packages if platform.unsigned else ()

    @property
    def lends(self) -> bool:
        """Whether stages run programs that are borrowed from the host's platform."""
        return self.build.tools is Tools.borrowed and self.build.helper is None

    @property
    def is_made_here(self) -> bool:
        """Whether it is made on this machine, or on a worker of the same architecture."""
        return self.maker == self.host

    @property
    def image_lender(self) -> Lender:
        """What is borrowed to make images."""
        return Lender(self.maker, self.build.makers, self.emulates)

    @property
    def install_lender(self) -> Lender:
        """What is borrowed to install packages.

        It has nothing to do with the image's file systems: what is installed is the same for all of
        them, and made once.
        """
        makers = self.build.makers if self.installs_by_all else ()
        return Lender(self.maker, makers, self.emulates)

    @property
    def own_lender(self) -> Lender:
        """What this machine itself borrows, to resolve packages and to make keyrings."""
        return self.install_lender if self.is_made_here else Lender(self.host)

    @property
    def lenders(self) -> tuple[Lender, ...]:
        """What the build has made of all these, by their subjects."""
        every = (self.own_lender, self.install_lender, self.image_lender) * self.lends
        return tuple({lender.subject: lender for lender in every}.values())

    @property
    def emulates(self) -> Architecture | None:
        """The architecture whose programs have to be emulated for the build."""
        architecture = self.build.platform.architecture
        is_makers_own = architecture is self.maker.architecture
        runs = is_makers_own or (self.is_made_here and runs_here(architecture))
        return None if runs else architecture

    @property
    def borrowed(self) -> Path | None:
        """The archive that images are made by: borrowed, or the user's, if there is one."""
        return self._lent(self.image_lender)

    @property
    def installer(self) -> Path | None:
        """The same of what installs packages."""
        return self._lent(self.install_lender)

    @property
    def resolver(self) -> Path | None:
        """The same of what this machine itself uses."""
        return self._lent(self.own_lender)

    def _lent(self, lender: Lender) -> Path | None:
        return lender.archive if self.lends else self.build.helper

    def borrowed_for(self, platform: Platform) -> Path | None:
        """That by which a platform's keyring is made: of a build for it, if there is one."""
        having = [plan for plan in self._together if platform in plan.keyring_platforms]
        having.sort(key=lambda plan: plan.build.platform != platform.plain)
        return having[0].resolver

    @property
    def reused(self) -> Path | None:
        """What is told of the user's root archive, if the build starts from one."""
        return artifacts.reused_root(self.build.platform) if self.build.reused_root else None

    @property
    def pacman_static(self) -> Path | None:
        """The archive of pacman-static, for a host that needs it."""
        return artifacts.pacman_static(self.host.architecture) if self.needs_pacman_static else None

    @property
    def pacman_static_source(self) -> ThirdPartyRepository:
        """The repository that has pacman-static, with the keys to trust."""
        repository = next(r for r in THIRD_PARTY_REPOSITORIES if r.id == PACMAN_STATIC_SOURCE)
        return replace(repository, keyring=self.keyrings(repository)[0])

    @property
    def pacman_static_mirrors(self) -> MirrorChoice:
        """What of the user's mirrors that repository has to do with."""
        own = tuple(r for r in self.build.mirrors.repositories if r[0] == PACMAN_STATIC_SOURCE)
        return replace(self.build.mirrors, repositories=own, own_keys=(), distros=())

    def mirrors(self, platform: Platform) -> MirrorChoice:
        """What of the user's mirrors and keys the platform has to do with.

        Single repositories' mirrors are those of the platform that is built. A board's words for
        one that another has nothing to do with make no difference to what they share.
        """
        mirrors, names = self.build.mirrors, platform.repository_names
        own = tuple(r for r in mirrors.repositories if r[0] in names)
        return replace(
            mirrors,
            repositories=own if self.is_built(platform) else (),
            own_keys=tuple(name for name in mirrors.own_keys if platform.added(name)),
            distros=tuple(d for d in mirrors.distros if d[0] == platform.distro.id),
        )

    def platform_keyrings(self, platform: Platform) -> tuple[Keyring, ...]:
        """The keyrings of a platform and of what is added to it, with the keys to trust."""
        added = (
            (repository.keyring,)
            if repository.id in self.build.mirrors.own_keys
            else self.keyrings(repository)
            for repository in platform.repositories
        )
        return tuple(k for ks in (self.keyrings(platform.distro), *added) for k in ks)

    def keyrings(self, owner: Distro | ThirdPartyRepository) -> tuple[Keyring, ...]:
        """The keyrings of ``owner`` with the keys to trust.

        For a distribution that is built, the user's keys are named as such; elsewhere they are
        trusted beside the pinned ones.
        """
        keyrings = owner.keyrings if isinstance(owner, Distro) else (owner.keyring,)
        trusted = self.build.mirrors.trusted_keys
        if not trusted:
            return keyrings
        if owner in [plan.build.platform.distro for plan in self._together]:
            return tuple(replace(k, user_keys=trusted) for k in keyrings)
        return tuple(replace(k, master_keys=(*trusted, *k.master_keys)) for k in keyrings)

    def elsewhere(self, platform: Platform) -> tuple[tuple[tuple[Keyring, ...], Path], ...]:
        """The keyrings of other platforms that are built, and what has their packages.

        None where no key is named for the platform: a key that it lacks may be in one of them. They
        stand in the order of their names, whatever that of the builds is.
        """
        built = [plan.build.platform.signed for plan in self._together]
        if not self.build.mirrors.trusted_keys or platform.distro not in [p.distro for p in built]:
            return ()
        asked = (platform.distro, platform.architecture)
        others = {(p.distro, p.architecture): p for p in built}
        return tuple(
            (self.keyrings(other.distro), artifacts.fetched(f"{other.id}.keyring"))
            for where, other in sorted(others.items(), key=lambda it: it[1].id)
            if where != asked
        )

    @property
    def systems(self) -> tuple[str, ...]:
        """The names of the systems that are installed, each on the one before it."""
        return tuple(filter(None, (self.board_subject, self.build.id)))

    @property
    def requests(self) -> Iterator[Request]:
        """All that is to be resolved."""
        for platform in self.keyring_platforms:
            keyrings = self.platform_keyrings(platform)
            packages = tuple(keyring.package for keyring in keyrings if keyring.package)
            yield Request(
                f"{platform.id}.keyring", platform, packages, dependencies=False, bootstraps=True
            )
        for lender in self.lenders:
            plain = replace(lender.platform, level="")  # a machine may lack what a level of it has
            yield Request(lender.subject, plain, (), lender.wanted, bootstraps=True)
        platform = self.build.platform
        rootfs = platform.distro.rootfs_packages
        if self.build.reused_root is None:
            yield Request(f"{platform.id}.rootfs", platform, rootfs)
        packages = (*rootfs, *self.build.installs)
        yield Request(
            self.build.id,
            self.build.sources,
            packages,
            self.build.welcome,
            initramfs=self.build.initramfs,
        )
        if self.board_subject:
            yield Request(
                self.board_subject,
                self.build.sources,
                (*rootfs, *self.build.board.installs),
                self.build.welcome_tools,
                initramfs=self.build.initramfs,
                part_of=self.build.id,
            )


def most_trees(builds: Sequence[Build]) -> int:
    """How many tasks can hold the tree of a system at the same time: those of a build are a chain.

    What installs each again, to compare, goes on beside. What is done ahead counts itself.
    """
    return max(sum(4 if build.check_twice else 1 for build in builds), 1)
