"""fetch-pacman-static: a pacman for a host that has none that will do."""

from dataclasses import dataclass
from pathlib import Path

from aimager.architecture import Architecture
from aimager.archive import pack_tree, unpack_packages
from aimager.build import MirrorChoice
from aimager.distro import Distro, Platform, ThirdPartyRepository
from aimager.download import Client
from aimager.errors import DownloadError, TrustError
from aimager.fetch_database import fetch_database
from aimager.files import publish, publish_text
from aimager.keyring import make_keyring
from aimager.lock import Lock, find_package, read_lock, write_lock
from aimager.mirrors import base_url, expand
from aimager.namespace import call
from aimager.stages.fetch_packages import FetchPackages
from aimager.sync_database import read_database
from aimager.toolbox import Toolbox
from aimager.workshop import Workshop, environment

_PACKAGE = "pacman-static"


@dataclass(frozen=True)
class FetchPacmanStatic:
    """Take pacman-static from ``repository``, or leave ``target`` empty where it has none.

    The repository's own keyring package is checked against its pinned keys, and then both
    packages with the keyring made from it.
    """

    repository: ThirdPartyRepository
    architecture: Architecture
    target: Path
    mirrors: MirrorChoice = environment()
    downloads: Path = environment()
    workshop: Workshop = environment()

    def run(self) -> None:
        """Publish the archive.

        What cannot be had or trusted is not used: the borrowed root's pacman does the work.
        """
        try:
            lock = self._fetch() if self._can_have() else None
            if lock:
                self._verify()
        except (DownloadError, TrustError) as error:
            print(f"   no pacman-static: {error.message}")
            lock = None
        if lock is None:
            with publish(self.target):
                return

    def is_whole(self) -> bool:
        """Whether it is there, or there is none to ask for again."""
        there = self.target.exists() and self.target.stat().st_size > 0
        return there or not self._can_have()

    def _can_have(self) -> bool:
        return self.architecture in self.repository.architectures and not self.mirrors.offline

    def _verify(self) -> None:
        call(
            _verify_and_pack,
            self,
            work=self.workshop.work,
            writable=[self.workshop.cache],
            products=[self.target],
        )

    @property
    def lock(self) -> Path:
        """The packages that are needed for it."""
        return self.downloads / "lock.json"

    def _fetch(self) -> Lock | None:
        name = self.repository.id
        path = self.downloads / f"{name}.db"
        url = dict(self.mirrors.repositories).get(name) or base_url(
            self.repository.mirrors, self.mirrors
        )
        url = expand(url, name, self.architecture)
        known = read_database(name, fetch_database(Client(), url, name, path))
        if _PACKAGE not in known:
            return None
        names = (self.repository.keyring.package, _PACKAGE)
        absent = [wanted for wanted in names if wanted not in known]
        if absent:
            raise DownloadError(f"the repository {name} has no package {absent[0]}")
        lock = Lock(name, names, tuple(known[wanted].locked for wanted in sorted(names)))
        publish_text(self.lock, write_lock(lock))
        distro = Distro(name, name, (), (), self.repository.mirrors, ())
        FetchPackages(
            platform=Platform(distro, self.architecture),
            lock=self.lock,
            target=self.downloads / "fetched",
            mirrors=self.mirrors,
            workshop=self.workshop,
        ).run()
        return lock


def _verify_and_pack(stage: FetchPacmanStatic) -> None:
    lock = read_lock(stage.lock)
    store = stage.workshop.store
    home = Path("/run/keyring")
    with stage.workshop.logging() as log:
        tools = Toolbox(None, log)
        make_keyring(tools, home, [stage.repository.keyring], lock, store)
        program = find_package(lock.packages, _PACKAGE)
        if program is None:
            raise DownloadError(f"the lock {stage.lock} is not whole", hint="delete it")
        tree = stage.workshop.work / "tree"
        unpack_packages([program.path(store)], tree)
        pack_tree(tools, tree, stage.target, epoch=lock.epoch)
