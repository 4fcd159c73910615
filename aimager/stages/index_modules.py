"""index-modules: what depmod makes of kernels, while there is no system yet to install them to.

That takes as long as installing the base system, and needs nothing of it. So on a machine with two
cores the one is done beside the other, and the board's hook finds the indexes among those that are
remembered (`aimager.system.known_hooks`). What it looks them up by tells whether they are the right
ones: packages and programs are guessed here, and a wrong guess is work in vain and no more.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aimager import progress
from aimager.codec import fingerprint
from aimager.errors import AimagerError
from aimager.memory import tmpfs_size
from aimager.model.lock import LockedPackage, read_lock
from aimager.model.workshop import Workshop, environment
from aimager.package_files import unpack_packages
from aimager.packages.keyring import find_doubt
from aimager.packages.pacman import package_files
from aimager.products.hook_results import HookResults
from aimager.products.stage import all_inputs
from aimager.sandbox.borrowed_root import equip
from aimager.sandbox.namespace import call
from aimager.sandbox.privileges import Limits
from aimager.sandbox.results import Results
from aimager.sandbox.tree import Tree
from aimager.system.module_index import MODULES, ModuleIndexes, tell

_KERNELS = re.compile(r"linux(?!.*-(?:api|docs|firmware|headers))(?:-.+)?")
"""How the packages of kernels are named, whose files nobody knows before they are verified."""

_KMOD = "kmod"
"""The package that has depmod's configuration."""

_COPIES = 2
"""How often the modules are there: unpacked, and before depmod."""

_MARGIN = 256 << 20
"""More bytes than the indexes and a root's programs take."""

_MOST_WRITTEN = 1 << 30
"""Bytes that depmod may write: an index has 8 MB."""


@dataclass(frozen=True, kw_only=True)
class IndexModules:
    """Index the modules of the kernels in ``lock``, by the ``borrowed`` depmod.

    They are verified by ``keys``. There is no product but what is remembered.
    """

    lock: Path
    keys: Path
    borrowed: Path | None
    workshop: Workshop = environment()

    @property
    def packages(self) -> tuple[LockedPackage, ...]:
        """Those of the lock that are taken for kernels', and that of depmod's configuration."""
        found = [p for p in read_lock(self.lock).packages if p.is_signed]
        kernels = [package for package in found if _KERNELS.fullmatch(package.name)]
        return (*kernels, *(p for p in found if p.name == _KMOD and kernels))

    @property
    def id(self) -> str:
        """What tells what it does from what others do; empty: there is nothing to do."""
        if not (self.borrowed and self.packages):
            return ""
        return "" if HookResults.of(self.workshop).has(self._key) else self._key

    @property
    def _key(self) -> str:
        """By what it is remembered that it was tried."""
        return fingerprint((__name__, self.packages))

    def run(self) -> None:
        """Have the indexes remembered, as far as they can be made, and that it was tried."""
        workshop, results = self.workshop, HookResults.of(self.workshop)
        made = results.made_beside(workshop.work)
        packages = package_files(self.packages, workshop.store)
        with results.receiving(made):
            call(
                _index,
                _Indexing(self, self._key, results.folder, made),
                work=workshop.work,
                reads=[*all_inputs(self), results.folder, *packages],
                products=[made],
                keeps=[workshop.log],
                tmpfs=self._memory(),
            )

    def _memory(self) -> int | None:
        size = sum(package.installed_size for package in self.packages)
        tools = self.borrowed.stat().st_size if self.borrowed else 0
        needed = size * _COPIES + tools + _MARGIN
        # Beside it is what the graph takes for one job of a build.
        return tmpfs_size(needed, wish=self.workshop.memory, jobs=self.workshop.jobs + 1)


@dataclass(frozen=True)
class _Indexing:
    stage: IndexModules
    key: str
    kept: Path
    made: Path


def _index(indexing: _Indexing) -> None:
    stage = indexing.stage
    with stage.workshop.logging() as log:
        try:
            results = Results(indexing.kept, indexing.made)
            if _index_all(stage, results, log):
                results.keep(indexing.key, {})
        except (AimagerError, OSError) as error:  # who installs them will meet it, and tell
            tell(log, f"nothing was indexed: {error}")


def _index_all(stage: IndexModules, results: Results, log: IO[bytes]) -> bool:
    """Whether any kernel's modules were indexed."""
    workshop, packages = stage.workshop, stage.packages
    progress.step("verifying packages")
    if doubt := find_doubt(stage.keys, packages, workshop.store):
        tell(log, f"nothing was indexed: {doubt}")
        return False
    tools = equip(workshop, stage.borrowed, log)
    assert tools.lender, "something is borrowed"
    progress.step("unpacking kernels")
    root = workshop.work / "root"
    unpack_packages([package.path(workshop.store) for package in packages], root)
    indexes = ModuleIndexes(Tree(root), Tree(tools.lender))
    limits = Limits(folder=workshop.work, written=_MOST_WRITTEN)
    progress.step("indexing modules")
    with ThreadPoolExecutor(tools.cores) as pool:
        versions = Tree(root).names(MODULES)
        made = pool.map(
            lambda version: indexes.find(version, results, workshop.work, limits, log), versions
        )
        found = [files is not None for files in made]
    return any(found)
