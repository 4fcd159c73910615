"""run-early: what packages' programs make, while there is no system yet to install them to.

depmod takes as long as installing the base system, and localedef half of that. Neither needs that
system, nor any other of the borrowed programs. So they are run while that is unpacked and
the base system is made, and who installs the board's packages finds what they made among what is
remembered (`aimager.system.remembered`). What it is looked up by tells whether it is the right one:
packages and programs are guessed here, and a wrong guess is work in vain and no more.
"""

import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from aimager import progress
from aimager.codec import fingerprint
from aimager.errors import AimagerError
from aimager.memory import tmpfs_size
from aimager.model.build import MirrorChoice
from aimager.model.distro import Keyring, Platform
from aimager.model.lock import LockedPackage, read_lock, write_lock
from aimager.model.workshop import Workshop, environment
from aimager.package_files import unpack_packages
from aimager.packages.keyring import verify_without_gpg
from aimager.packages.keyring_memory import MEMORY, Memory, recall
from aimager.packages.pacman import package_files
from aimager.packages.user_key_check import Elsewhere
from aimager.products.hook_results import HookResults
from aimager.products.stage import all_inputs
from aimager.sandbox.namespace import call
from aimager.sandbox.privileges import Limits
from aimager.sandbox.results import Results
from aimager.sandbox.tree import Tree
from aimager.stages.fetch_packages import FetchPackages
from aimager.stages.resolve_packages import ResolvePackages
from aimager.system.locale_archive import FOLDER, DefaultArchive
from aimager.system.module_index import MODULES, NOT_READ, ModuleIndexes
from aimager.system.remembered import tell

_KERNELS = re.compile(r"linux(?!.*-(?:api|docs|firmware|headers))(?:-.+)?")
"""How the packages of kernels are named, whose files nobody knows before they are verified."""

_KMOD = "kmod"
"""The package that has depmod's configuration."""

_GLIBC = "glibc"
"""The package that has the sources of locales, and their generator."""

_PROGRAMS = (
    *(_KMOD, _GLIBC, "filesystem", "gzip"),
    *("libgcc", "gcc-libs", "openssl", "xz", "zlib", "zstd"),
)
"""The packages of depmod, localedef and gzip, of the libraries that they are linked to, and of the
links to their folders; those of the stand-in mirror and of Arch Linux."""

_NOT_RUN = ("usr/include/", "usr/share/", f"{FOLDER}/", "usr/lib/gconv/", "usr/lib/*/gconv/")
"""What depmod, localedef and their libraries do without."""

_NOT_INDEXED = (
    "boot/",
    "usr/include/",
    "usr/share/",
    *(f"{MODULES}/*/{name}" for name in NOT_READ),
)
"""What of kernels' packages and kmod's is no module, nor tells how they are indexed."""

_NO_SOURCES = (
    *("usr/include/", "usr/lib/*.so*", "usr/lib/*/", "usr/share/doc/", "usr/share/info/"),
    *("usr/share/man/", "usr/share/locale/*/"),
)
"""What of glibc's package does not tell how the default locale is made; the folders of libraries
are most of it."""

_MARGIN = 256 << 20
"""More bytes than what is made, the programs and their copies take; modules are there once."""

_MOST_WRITTEN = 1 << 30
"""Bytes that a program may write: an index has 8 MB."""


Others = tuple[tuple[tuple[Keyring, ...], Path], ...]
"""Keyrings of other platforms, each with the lock of their packages, as `KeyringInit` has them."""


@dataclass(frozen=True, kw_only=True)
class RunEarly:
    """Index the modules of the kernels among the packages ``names``, and make the default locale.

    The packages are those of ``lock``, or, where that is not waited for, what ``databases`` have of
    them for ``platform``. They are verified by its ``keyrings``, whose packages ``keyring_lock``
    has, and the programs, which are of ``lender_lock``, by the lender's. There is no product but
    what is remembered.
    """

    platform: Platform
    names: tuple[str, ...]
    databases: Path | None
    lock: Path | None
    keyrings: tuple[Keyring, ...]
    keyring_lock: Path
    elsewhere: Others
    lender_keyrings: tuple[Keyring, ...]
    lender_keyring_lock: Path
    lender_elsewhere: Others
    lender_lock: Path
    mirrors: MirrorChoice = environment()
    older: bool = environment()
    workshop: Workshop = environment()

    @property
    def kernels(self) -> tuple[str, ...]:
        """The packages that are taken for kernels'."""
        return tuple(name for name in self.names if _KERNELS.fullmatch(name))

    @property
    def id(self) -> str:
        """What tells what it does from what others do; empty: there is nothing to do."""
        if not self.kernels or (self.lock and not self._find_left(self._locked())):
            return ""
        return fingerprint((__name__, self.platform.id, self.kernels, self.lender_lock.parent.name))

    def run(self) -> None:
        """Have what can be made remembered, and that it was tried.

        :raises DownloadError: when a package cannot be fetched
        """
        workshop, results = self.workshop, HookResults.of(self.workshop)
        found = self._locked() if self.lock else self._resolved()
        left = self._find_left(found)
        if not left:
            return
        packages, programs = (*left.values(), *_beside(found)), self._programs()
        made = results.made_beside(workshop.work)
        with results.receiving(made):
            call(
                _run,
                _Early(self, packages, tuple(left), made, recall(workshop.cache / MEMORY)),
                work=workshop.work,
                reads=[
                    *all_inputs(self),
                    results.folder,
                    *package_files(
                        (*packages, *programs, *self._keyring_packages()), workshop.store
                    ),
                ],
                products=[made],
                keeps=[workshop.log],
                tmpfs=self._memory(packages),
            )

    def _find_left(self, found: Sequence[LockedPackage]) -> dict[str, LockedPackage]:
        """Those of ``found`` that were not tried, by what is to be remembered of that."""
        beside, programs = _beside(found), self._programs()
        keys = {fingerprint((__name__, one, beside, programs)): one for one in found}
        has = HookResults.of(self.workshop).has
        return {key: one for key, one in keys.items() if one not in beside and not has(key)}

    def _locked(self) -> tuple[LockedPackage, ...]:
        """The kernels, and what goes with them, of the lock."""
        assert self.lock, "it is asked for where there is one"
        return self._wanted(read_lock(self.lock).packages)

    def _resolved(self) -> tuple[LockedPackage, ...]:
        """The same of the databases, once they are in the store."""
        assert self.databases, "what is not locked is in databases"
        work = self.workshop.work
        lock, target = (work.with_name(f"{work.name}.{name}") for name in ("lock", "fetched"))
        ResolvePackages(
            platform=self.platform,
            databases=self.databases,
            packages=(),
            welcome=tuple(sorted(self._asked_for)),
            dependencies=False,
            bootstraps=True,
            target=lock,
            pacman_static=None,
            borrowed=None,
            mirrors=self.mirrors,
            workshop=self.workshop,
        ).run()
        # What nobody signed is not fetched but from the user's own folder.
        found = read_lock(lock)
        lock.write_text(write_lock(replace(found, packages=self._wanted(found.packages))))
        FetchPackages(
            platform=self.platform,
            lock=lock,
            target=target,
            mirrors=self.mirrors,
            workshop=self.workshop,
        ).run()
        return read_lock(target).packages

    def _wanted(self, packages: Sequence[LockedPackage]) -> tuple[LockedPackage, ...]:
        return tuple(one for one in packages if one.is_signed and one.name in self._asked_for)

    @property
    def _asked_for(self) -> frozenset[str]:
        return frozenset((*self.kernels, _KMOD, _GLIBC))

    def _programs(self) -> tuple[LockedPackage, ...]:
        found = read_lock(self.lender_lock).packages
        return tuple(package for package in found if package.name in _PROGRAMS)

    def _keyring_packages(self) -> Iterator[LockedPackage]:
        others = (*self.elsewhere, *self.lender_elsewhere)
        for lock in (self.keyring_lock, self.lender_keyring_lock, *(lock for _, lock in others)):
            yield from read_lock(lock).packages

    def _memory(self, packages: Sequence[LockedPackage]) -> int | None:
        needed = sum(package.installed_size for package in packages) + _MARGIN
        # Beside it is what the graph takes for one job of a build.
        return tmpfs_size(needed, wish=self.workshop.memory, jobs=self.workshop.jobs + 1)

    def verify(self, packages: Sequence[LockedPackage], memory: Memory) -> None:
        """Verify them, and the programs.

        :raises TrustError: when one of them is not signed by a trusted key
        """
        own = (self.keyrings, self.keyring_lock, self.elsewhere)
        lenders = (self.lender_keyrings, self.lender_keyring_lock, self.lender_elsewhere)
        for (keyrings, lock, others), some in ((own, packages), (lenders, self._programs())):
            elsewhere = [Elsewhere(their, read_lock(path)) for their, path in others]
            known = (self.workshop.store, memory, self.older, elsewhere)
            verify_without_gpg(keyrings, read_lock(lock), some, *known, quiet=True)

    def unpack(self, name: str, packages: Sequence[LockedPackage], without: Sequence[str]) -> Tree:
        """Unpack them in a root of their own, but for what ``without`` names."""
        root = self.workshop.work / name
        files = [package.path(self.workshop.store) for package in packages]
        unpack_packages(files, root, without=tuple(without))
        return Tree(root)

    def unpack_programs(self) -> Tree:
        """Unpack what is run, in a root of its own."""
        return self.unpack("programs", self._programs(), _NOT_RUN)


def _beside(packages: Sequence[LockedPackage]) -> tuple[LockedPackage, ...]:
    """What has depmod's configuration."""
    return tuple(package for package in packages if package.name == _KMOD)


@dataclass(frozen=True)
class _Early:
    stage: RunEarly
    packages: tuple[LockedPackage, ...]
    keys: tuple[str, ...]
    made: Path
    keyrings: Memory


def _run(early: _Early) -> None:
    stage = early.stage
    with stage.workshop.logging() as log:
        try:
            results = Results(HookResults.of(stage.workshop).folder, early.made)
            progress.step("verifying packages")
            stage.verify(early.packages, early.keyrings)
            if _make_all(early, results, log):
                for key in early.keys:
                    results.keep(key, {})
        except (AimagerError, OSError) as error:  # who installs them will meet it, and tell
            tell(log, f"nothing more was made: {error}")


def _make_all(early: _Early, results: Results, log: IO[bytes]) -> bool:
    """Make what can be made; whether it need not be tried again."""
    stage, work = early.stage, early.stage.workshop.work
    limits = Limits(folder=work, written=_MOST_WRITTEN)
    glibc = [package for package in early.packages if package.name == _GLIBC]
    others = [package for package in early.packages if package.name != _GLIBC]
    progress.step("unpacking packages")
    programs = stage.unpack_programs()
    indexes = ModuleIndexes(stage.unpack("root", others, _NOT_INDEXED), programs, for_this=True)
    progress.step("indexing modules")
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        versions = indexes.tree.names(MODULES)
        made = pool.map(lambda version: indexes.find(version, results, work, limits, log), versions)
        found = [files is not None for files in made]
    if glibc:
        progress.step("generating the default locale")
        archive = DefaultArchive(stage.unpack("locales", glibc, _NO_SOURCES), programs)
        archive.find(results, work, limits, log)
        found.append(True)  # where it cannot be made, that follows from the package
    return any(found)
