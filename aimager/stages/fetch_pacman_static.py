"""fetch-pacman-static: a pacman for a host without a usable one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aimager import progress
from aimager.errors import DownloadError, TrustError
from aimager.files import publish, publish_text
from aimager.model.architecture import Architecture
from aimager.model.build import MirrorChoice
from aimager.model.distro import Distro, Platform, ThirdPartyRepository
from aimager.model.lock import Lock, LockedPackage, find_package, read_lock, write_lock
from aimager.model.workshop import Workshop, environment
from aimager.package_files import unpack_packages
from aimager.packages.fetch_database import Database, fetch_databases, look_up
from aimager.packages.keyring import verify_without_gpg
from aimager.packages.keyring_memory import MEMORY, Memory, recall
from aimager.packages.mirror_fallback import NoMirrorError
from aimager.packages.mirrors import mirror_urls
from aimager.packages.pacman import package_files
from aimager.sandbox.namespace import call
from aimager.sandbox.program_archive import pack_programs
from aimager.stages.fetch_again import fetching_again
from aimager.stages.fetch_packages import FetchPackages

_PACKAGE = "pacman-static"


@dataclass(frozen=True)
class FetchPacmanStatic:
    """Take pacman-static from ``repository``, or leave ``target`` empty where it has none.

    The repository's own keyring package is checked against its pinned keys, and then both
    packages with the keyring made from it. Where it cannot be fetched or trusted, there is no
    ``target``.
    """

    repository: ThirdPartyRepository
    architecture: Architecture
    target: Path
    mirrors: MirrorChoice = environment()
    downloads: Path = environment()
    workshop: Workshop = environment()

    def verified(self) -> tuple[LockedPackage, ...]:
        """The packages whose signatures are checked by it."""
        is_there = self.target.stat().st_size > 0
        return read_lock(self.lock).packages if is_there else ()

    def run(self) -> None:
        """Publish the archive.

        What cannot be fetched or trusted is not used, and the next build asks for it again: the
        borrowed root's pacman does the work.
        """
        if self.architecture not in self.repository.architectures:
            self._publish_none()
        elif self.mirrors.offline:
            self._give_up("it is not in the cache, and offline=yes")
        else:
            self._try()

    def _try(self) -> None:
        try:
            packages = self._look_up()
            if _PACKAGE in packages:
                fetch = self._fetch(packages)
                fetch.run()
                fetching_again(self._verify, [fetch])
            else:
                progress.say(f"   no pacman-static: {self.repository.id} has none")
                self._publish_none()
        except (DownloadError, TrustError) as error:
            self._give_up(error.message)
            if isinstance(error, NoMirrorError) and error.is_certain:
                self._publish_none()

    def _give_up(self, reason: str) -> None:
        progress.say(f"   no pacman-static: {reason}")
        self.target.unlink(missing_ok=True)  # it may have been verified with other keys

    def _publish_none(self) -> None:
        with publish(self.target):
            return

    def _verify(self) -> None:
        call(
            _verify_and_pack,
            _Verifying(self, recall(self.workshop.cache / MEMORY)),
            work=self.workshop.work,
            reads=[
                self.lock,
                *package_files(read_lock(self.lock).packages, self.workshop.store),
            ],
            products=[self.target],
        )

    @property
    def lock(self) -> Path:
        """The packages that are needed for it."""
        return self.downloads / "lock.json"

    def _look_up(self) -> dict[str, LockedPackage]:
        name = self.repository.id
        urls = mirror_urls(self.repository.mirrors, name, self.architecture, self.mirrors)
        path = self.downloads / f"{name}.db"
        fetch_databases([Database(name, urls, path)], work=self.workshop.work)
        names = (self.repository.keyring.package, _PACKAGE)
        return look_up(name, path, names, work=self.workshop.work)

    def _fetch(self, known: Mapping[str, LockedPackage]) -> FetchPackages:
        name = self.repository.id
        names = (self.repository.keyring.package, _PACKAGE)
        absent = [wanted for wanted in names if wanted not in known]
        if absent:
            raise DownloadError(
                f"the repository {name} has no package {absent[0]}",
                hint="use-pacman-static=no does without it",
            )
        lock = Lock(name, names, tuple(known[wanted] for wanted in sorted(names)))
        publish_text(self.lock, write_lock(lock))
        distro = Distro(name, name, (), (), self.repository.mirrors, ())
        return FetchPackages(
            platform=Platform(distro, self.architecture),
            lock=self.lock,
            target=self.downloads / "fetched",
            mirrors=self.mirrors,
            workshop=self.workshop,
        )


@dataclass(frozen=True)
class _Verifying:
    stage: FetchPacmanStatic
    keyrings: Memory


def _verify_and_pack(verifying: _Verifying) -> None:
    stage = verifying.stage
    lock = read_lock(stage.lock)
    store = stage.workshop.store
    known = (verifying.keyrings, stage.mirrors.older_keyring)
    verify_without_gpg([stage.repository.keyring], lock, [], store, *known)
    program = find_package(lock.packages, _PACKAGE)
    if program is None:
        raise DownloadError(
            f"the lock {stage.lock} is incomplete", hint="delete it, and build again"
        )
    tree = stage.workshop.work / "tree"
    unpack_packages([program.path(store)], tree)
    pack_programs(tree, stage.target, epoch=lock.epoch)
