"""resolve-packages: the lock, which says exactly what will be installed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from aimager import progress
from aimager.errors import ConfigError, DownloadError
from aimager.files import publish_text
from aimager.model.build import MirrorChoice
from aimager.model.distro import Platform
from aimager.model.lock import Lock, write_lock
from aimager.model.workshop import Workshop, environment
from aimager.packages.database_archive import lay_databases, read_packages, read_repository
from aimager.packages.dependencies import (
    bare_name,
    closure,
    first_provider,
    providers,
    unmet,
)
from aimager.packages.foreign_packages import refuse_foreign
from aimager.packages.mirrors import repository_urls
from aimager.packages.pacman import (
    PacmanRun,
    choose_pacman,
    pacman_conf,
    prepare_root,
    resolve,
    write_conf,
)
from aimager.packages.sync_database import DatabasePackage, Packages
from aimager.packages.targets import for_pacman, meant_by, named_by, read_target
from aimager.products.stage import all_inputs
from aimager.sandbox.borrowed_root import equip
from aimager.sandbox.chroot import chroot
from aimager.sandbox.namespace import call
from aimager.sandbox.tree import Tree
from aimager.shown import without_credentials

_DAMAGED = "the mirror's database is damaged: try another mirror with repo-url-parent="
_SPELLING = (
    "check the spelling in install-pkgs=, and whether add-repos= adds the repository that has it"
)


@dataclass(frozen=True)
class ResolvePackages:
    """What ``packages``, and those of ``welcome`` that the repositories have, need.

    ``initramfs`` is one more, unless one of them provides an initramfs, or needs a package that
    does by its name.

    Without ``dependencies`` they are locked alone. Where there is no pacman, and for what
    ``bootstraps``, which must not depend on whether there is one, we walk the dependencies
    ourselves.
    """

    platform: Platform
    databases: Path
    packages: tuple[str, ...]
    target: Path
    welcome: tuple[str, ...] = ()
    dependencies: bool = True
    bootstraps: bool = False
    initramfs: str | None = None
    pacman_static: Path | None = environment()
    borrowed: Path | None = environment()
    mirrors: MirrorChoice = environment()
    workshop: Workshop = environment()

    by_content: ClassVar[bool] = True

    def run(self) -> None:
        """Publish the lock, if it is not the one that is there.

        :raises ConfigError: when the repositories do not have a package
        """
        call(
            _resolve,
            self,
            work=self.workshop.work,
            reads=all_inputs(self),
            products=[self.target],
            keeps=[self.workshop.log],
        )

    def publish(self) -> None:
        """Publish the lock, in the call that `run` makes."""
        known = self._known()
        requested = self._requested(known)
        if self.initramfs and self.initramfs not in requested:
            makers = self._other_makers(known, requested)
            progress.say(f"   {self.initramfs} is left out: {makers[0]} provides an initramfs")
        if not self.dependencies or not requested:
            self._publish(known, meant_by(known, requested))
            return
        words = for_pacman(known, requested)
        # Of what is asked for itself, pacman would say no more than that it is not valid.
        meant = (known[name].locked for name in meant_by(known, requested) if name in known)
        refuse_foreign(meant, self.platform, borrowed=self.bootstraps)
        chosen = None if self.bootstraps else _ask_pacman(self, words)
        if chosen is None:
            self._publish(known, self._walk(known, requested))
        else:
            self._publish(self._as_chosen(known, chosen), [name for _, name in chosen])

    def predict(self) -> None:
        """Publish the lock that our own walk of the dependencies gives, without pacman."""
        known = self._known()
        requested = self._requested(known)
        names = self._walk(known, requested) if self.dependencies else meant_by(known, requested)
        self._publish(known, names)

    def _known(self) -> Packages:
        """All packages, of one name the first repository's, or that of the one that is named.

        For what bootstraps, it is the first that has it for this machine: the levels that a build
        is for are not borrowed.
        """
        if self.bootstraps:
            return read_packages(self.databases, self.platform.architectures)
        known = read_packages(self.databases)
        targets = {word: read_target(word) for word in self.packages}
        if not any(target.repository for target in targets.values()):
            return known
        packages = _copy(known)
        for word, target in targets.items():
            if target.repository:
                there = read_repository(self.databases, target.repository)
                packages |= {name: there[name] for name in named_by(there, word)}
                if target.name in there.faults:
                    packages.faults[target.name] = there.faults[target.name]
        return packages

    def _requested(self, known: Packages) -> tuple[str, ...]:
        self._refuse_passed_over(known, self.welcome)
        welcome = [name for name in self.welcome if name in known]
        # Of one of a certain repository, the plain name asks for another, where it is found first.
        certain = {t.name for t in map(read_target, self.packages) if t.repository}
        plain = (word for word in (*self.packages, *welcome) if word not in certain)
        asked = tuple(dict.fromkeys(plain))
        if self.initramfs is None or self._other_makers(known, asked):
            return asked
        return tuple(dict.fromkeys((*asked, self.initramfs)))

    def _other_makers(
        self, known: Mapping[str, DatabasePackage], asked: Sequence[str]
    ) -> list[str]:
        """Which packages provide an initramfs already, unless the wanted one is among them."""
        makers = providers(known, meant_by(known, asked), "initramfs")
        return [] if self.initramfs in makers else makers

    def _as_chosen(self, known: Packages, chosen: Sequence[tuple[str, str]]) -> Packages:
        """``known`` with those that were chosen, for their versions, of a later repository."""
        later = [
            (repository, name)
            for repository, name in chosen
            if name not in known or known[name].locked.repository != repository
        ]
        read = {name: read_repository(self.databases, name) for name, _ in later}
        packages = _copy(known)
        for repository, name in later:
            if name in read[repository]:
                packages[name] = read[repository][name]
            else:
                packages.pop(name, None)
                packages.faults |= read[repository].faults
        return packages

    def _publish(self, known: Packages, names: Sequence[str]) -> None:
        missing = [name for name in names if name not in known]
        self._refuse_missing(known, missing)
        locked = (known[name].locked for name in names)
        refuse_foreign(locked, self.platform, borrowed=self.bootstraps)
        requested = self._requested(known)
        # What a group or a provided name stands for is asked for, too: nobody depends on it.
        meant = {name for word in requested for name in named_by(known, word)}
        lock = Lock(
            platform=self.platform.id,
            requested=tuple(sorted({*requested, *meant})),
            packages=tuple(known[name].locked for name in sorted(set(names))),
        )
        publish_text(self.target, write_lock(lock))

    def _walk(self, known: Packages, names: Sequence[str]) -> list[str]:
        named = {name: named_by(known, name) for name in names}
        absent = [name for name in names if not named[name]]
        self._refuse_missing(known, absent)
        found = closure(known, [name for group in named.values() for name in group])
        if known.foreign:
            self._refuse_passed_over(known, unmet(known, found))
        return found

    def _refuse_passed_over(self, known: Packages, wanted: Sequence[str]) -> None:
        """Refuse to do without what the repositories have for other machines alone."""
        for name in map(bare_name, wanted):
            found = name if name in known.foreign else first_provider(known.foreign, name)
            if found and not named_by(known, name):
                foreign = known.foreign[found].locked
                refuse_foreign([foreign], self.platform, borrowed=self.bootstraps)

    def _refuse_missing(self, known: Packages, words: Sequence[str]) -> None:
        for word in words:
            name = bare_name(word.rpartition("/")[2])
            if name in known.faults:
                raise DownloadError(known.faults[name], hint=_DAMAGED)
        self._refuse_passed_over(known, words)
        if words:
            raise self._absent(words)

    def _absent(self, names: Sequence[str]) -> ConfigError:
        for repository in self.platform.repositories:
            name, package = repository.id, repository.keyring.package
            if package in names:
                return ConfigError(
                    f"the repositories have no package {package}, which is to bring the keys of"
                    f" {name}",
                    hint=f"key-file-{name}=FILE takes its public keys from a file, and"
                    f" trust-key-{name}=FINGERPRINT says which of them to trust",
                )
        return ConfigError(
            f"the repositories have no package {' '.join(names)}",
            hint=_SPELLING,
        )


def _resolve(stage: ResolvePackages) -> None:
    stage.publish()


def _ask_pacman(stage: ResolvePackages, names: Sequence[str]) -> list[tuple[str, str]] | None:
    """What ``names`` need, repositories and names; None: there is no pacman."""
    work, shop = stage.workshop.work, stage.workshop
    with shop.logging() as log:
        tools = equip(shop, stage.borrowed, log)
        pacman = choose_pacman(tools, stage.pacman_static, work)
        if pacman is None:
            return None
        root = work / "root"
        prepare_root(root)
        repositories = lay_databases(stage.databases, root / "var/lib/pacman/sync")
        # Nothing is fetched, but pacman wants each to have a server, and may say which.
        servers = [
            (name, without_credentials(repository_urls(stage.platform, name, stage.mirrors)[0]))
            for name in repositories
        ]
        write_conf(pacman_conf(stage.platform.architectures, servers), work)
        with chroot(Tree(root)) as image:
            return resolve(PacmanRun(pacman, image, work, log), names)


def _copy(known: Packages) -> Packages:
    packages = Packages()
    packages.faults |= known.faults
    packages.foreign |= known.foreign
    packages |= known
    return packages
