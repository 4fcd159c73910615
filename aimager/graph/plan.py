"""What takes part in a build: platforms, mirrors, keys to trust, programs, and what to resolve."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aimager.distros import PACMAN_STATIC_SOURCE, THIRD_PARTY_REPOSITORIES, platform_for_host
from aimager.graph import artifacts
from aimager.graph.request import Request
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.build import Build, MirrorChoice, Tools
from aimager.model.distro import Distro, Keyring, Platform, ThirdPartyRepository
from aimager.packages.lock_file import read_lock_file
from aimager.packages.pacman import host_has_pacman
from aimager.sandbox.binfmt import runs_here
from aimager.sandbox.borrowed_root import WANTED, WANTED_FOR_FOREIGN


@dataclass(frozen=True)
class Plan:
    """A build on this host.

    What it shares with the ``others`` of its run, such as the keyring of the host's platform, is
    the same for all of them: what the user says of a platform holds wherever one of them is for it.
    """

    build: Build
    host: Platform
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
        """The platforms whose repositories take part: the host's own lends its programs."""
        lender = (self.host,) if self.lends else ()
        return tuple(dict.fromkeys((*lender, self.build.platform, self.build.sources)))

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
    def borrow_subject(self) -> str:
        """The name of the lock and tasks of all that is borrowed.

        It tells of the packages that not every build borrows, so that boards which are built in
        one run may need different ones.
        """
        return self._borrow_subject(self.build.makers)

    @property
    def install_subject(self) -> str:
        """The same of what installs packages: it has nothing to do with the image's file systems.

        So what is installed is the same for all of them, and made once.
        """
        return self.borrow_subject if self.installs_by_all else self._borrow_subject(())

    def _borrow_subject(self, makers: Sequence[str]) -> str:
        others = [name for name in makers if name not in WANTED]
        if self.emulates:
            others.append(f"qemu-{self.emulates.qemu}")
        return f"{self.host.id}.borrowed" + "".join(f"+{name}" for name in sorted(others))

    @property
    def lenders(self) -> tuple[str, ...]:
        """The names of those borrowed roots that the build has made."""
        return tuple(dict.fromkeys((self.install_subject, self.borrow_subject) * self.lends))

    @property
    def emulates(self) -> Architecture | None:
        """The architecture whose programs have to be emulated for the build."""
        architecture = self.build.platform.architecture
        return None if runs_here(architecture) else architecture

    @property
    def borrowed(self) -> Path | None:
        """The archive of the borrowed root, or the user's in its place, if the build uses one."""
        return self.build.helper or self._lent(self.borrow_subject)

    @property
    def installer(self) -> Path | None:
        """The same of what installs packages."""
        return self.build.helper or self._lent(self.install_subject)

    def borrowed_for(self, platform: Platform) -> Path | None:
        """That by which a platform's keyring is made: of a build for it, if there is one."""
        having = [plan for plan in self._together if platform in plan.keyring_platforms]
        having.sort(key=lambda plan: plan.build.platform != platform.plain)
        return having[0].installer

    def _lent(self, subject: str) -> Path | None:
        return artifacts.borrowed_archive(subject) if self.lends else None

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
        for subject in self.lenders:
            more = WANTED_FOR_FOREIGN if self.emulates else ()
            makers = self.build.makers if subject == self.borrow_subject else ()
            wanted = tuple(dict.fromkeys((*WANTED, *more, *makers)))
            host = replace(self.host, level="")  # this machine may lack what a level of it has
            yield Request(subject, host, (), wanted, bootstraps=True)
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


def make_plans(builds: Sequence[Build], *, anew: bool) -> list[Plan]:
    """The plans of a run, from the packages of lock files, unless these are made ``anew``.

    :raises HostError: when no distribution runs on this machine
    """
    plans = [make_plan(build, None if anew else build.lock, builds) for build in builds]
    return [replace(plan, others=tuple(plans)) for plan in plans]


def make_plan(build: Build, lock: Path | None, others: Sequence[Build] = ()) -> Plan:
    """The plan of ``build`` on this machine, from the packages of the lock file ``lock``, if any.

    ``others`` are all builds of its run.

    :raises HostError: when no distribution runs on it
    """
    host = platform_for_host(host_architecture())
    for other in others or (build,):
        if host.id == other.platform.id:
            host = other.platform  # whose repositories the user may have named
    board = f"{build.id}.board"
    is_layered = build.is_layered and build.reused_root is None
    if lock and is_layered:
        is_layered = board in read_lock_file(lock).parts  # older ones lack it
    layer = board if is_layered else ""
    plan = Plan(build, host, needs_pacman_static=False, lock=lock, board_subject=layer)
    is_apart = len(plan.lenders) > 1
    if lock and is_apart and plan.install_subject not in read_lock_file(lock).parts:
        plan = replace(plan, installs_by_all=True)
    resolves = lock is None or build.tools is Tools.host
    # The borrowed root's pacman does the work wherever there is one.
    usual = not plan.lends and not host_has_pacman()
    wanted = usual if build.pacman_static is None else build.pacman_static
    return replace(plan, needs_pacman_static=resolves and wanted)


def most_trees(builds: Sequence[Build]) -> int:
    """How many tasks can hold the tree of a system at the same time: those of a build are a chain.

    What installs each again, to compare, goes on beside.
    """
    return max(sum(4 if build.check_twice else 1 for build in builds), 1)
