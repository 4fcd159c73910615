"""resolve-packages: the lock, which says exactly what will be installed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aimager.borrow import closure, open_toolbox
from aimager.build import MirrorChoice
from aimager.distro import Platform
from aimager.errors import ConfigError
from aimager.files import publish_text
from aimager.lock import Lock, write_lock
from aimager.mirrors import repository_url
from aimager.namespace import call
from aimager.pacman import choose_pacman, pacman_conf, prepare_root, resolve, write_conf
from aimager.sync_database import DatabasePackage, SyncDatabases, read_databases
from aimager.toolbox import Toolbox
from aimager.workshop import Workshop, environment


@dataclass(frozen=True)
class ResolvePackages:
    """What ``packages``, and those of ``welcome`` that the repositories have, need.

    Without ``dependencies`` they are locked alone. Where there is no pacman yet, ``borrowed``
    being None, we walk the dependencies ourselves.
    """

    platform: Platform
    databases: Path
    packages: tuple[str, ...]
    target: Path
    welcome: tuple[str, ...] = ()
    dependencies: bool = True
    pacman_static: Path | None = environment()
    borrowed: Path | None = environment()
    mirrors: MirrorChoice = environment()
    workshop: Workshop = environment()

    def run(self) -> None:
        """Publish the lock, if it is not the one that is there.

        :raises ConfigError: when the repositories do not have a package
        """
        databases = read_databases(self.databases)
        known = databases.read()
        welcome = [name for name in self.welcome if name in known]
        requested = tuple(dict.fromkeys((*self.packages, *welcome)))
        names = sorted(requested)
        if self.dependencies and requested:
            names = call(_resolve, self, work=self.workshop.work, writable=[self.workshop.cache])
        missing = [name for name in names if name not in known]
        if missing:
            raise ConfigError(f"the repositories have no package {' '.join(missing)}")
        lock = Lock(
            platform=self.platform.id,
            requested=tuple(sorted(requested)),
            packages=tuple(known[name].locked for name in sorted(set(names))),
        )
        publish_text(self.target, write_lock(lock))


def _resolve(stage: ResolvePackages) -> list[str]:
    databases = read_databases(stage.databases)
    known = databases.read()
    names = [*stage.packages, *(name for name in stage.welcome if name in known)]
    work = stage.workshop.work
    with stage.workshop.logging() as log:
        pacman = choose_pacman(Toolbox(None, log), stage.pacman_static, work)
        if pacman is None and stage.borrowed:
            tools = open_toolbox(stage.borrowed, work, [stage.workshop.cache], log)
            pacman = choose_pacman(tools, None, work)
        if pacman is None:
            return _walk(known, names)
        root = work / "root"
        prepare_root(root)
        _lay_databases(databases, root / "var/lib/pacman/sync")
        servers = [
            (name, repository_url(stage.platform, name, stage.mirrors))
            for name, _ in databases.databases
        ]
        conf = write_conf(pacman_conf(stage.platform.architecture, work, root, servers), work)
        return resolve(pacman, conf, names, log)


def _walk(known: Mapping[str, DatabasePackage], names: list[str]) -> list[str]:
    absent = [name for name in names if name not in known]
    if absent:
        raise ConfigError(f"the repositories have no package {' '.join(absent)}")
    return closure(known, names)


def _lay_databases(databases: SyncDatabases, folder: Path) -> None:
    for name, data in databases.databases:
        (folder / f"{name}.db").write_bytes(data)
