"""The user's lock file: all packages of a build in one text that is kept in git."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aimager.codec import decode, encode, texts
from aimager.errors import ConfigError
from aimager.model.board import BOARD_ID
from aimager.model.build import Build
from aimager.model.lock import Lock, LockedPackage
from aimager.packages.foreign_packages import refuse_foreign
from aimager.strict_json import parse_json

FORMAT = 2
"""The version of the text; one that is newer is refused. A lock file of one build has the first."""

_LARGEST = 64 << 20
"""Bytes; a package takes about 400, and a whole distribution has less than 100,000."""

_LONGEST_REASON = 200  # characters: what is wrong may be all of the file

_ANEW = "doit update lock=FILE resolves it again"
_TAKE_IN = "doit update lock=FILE adds what is asked for"


@dataclass(frozen=True)
class LockedBuild:
    """What a lock file is of: ids, the packages that the user asked for, the lender's platform.

    ``settings`` is the fingerprint of what shapes the image beside packages. ``initramfs`` is the
    maker that was asked for, empty where none was, or nothing is known of it, ``add_repos`` the
    repositories that were added, and ``file_systems`` those whose programs are held, empty where
    nothing is known of them. ``board_sha256`` is that of the user's file that defined the board,
    empty for one of ours. ``level`` is that of the architecture; of what was added, ``repos_first``
    come before the distribution's repositories, and ``repos_for_build`` are not in the image.

    :raises ValueError: for a board that is not named by its id: a lock names no file to be run
    """

    distro: str
    architecture: str
    board: str
    install_packages: tuple[str, ...]
    host: str
    settings: str
    initramfs: str = ""
    add_repos: tuple[str, ...] = ()
    file_systems: tuple[str, ...] = ()
    board_sha256: str = ""
    level: str = ""
    repos_first: tuple[str, ...] = ()
    repos_for_build: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not BOARD_ID.fullmatch(self.board):
            raise ValueError(f"it names the board {self.board!r}, which is not the id of one")

    @property
    def id(self) -> str:
        """The build's id, which is also the subject of its own part."""
        return f"{self.distro}-{self.architecture}-{self.board}"


@dataclass(frozen=True)
class Part:
    """One lock within the file: the names of its packages on ``platform``."""

    platform: str
    requested: tuple[str, ...]
    packages: tuple[str, ...]


@dataclass(frozen=True)
class LockFile:
    """Each platform's packages, once each, and the parts by subject that are made of them.

    It is of one ``build``, or of the ``builds`` of a run by their ids.
    """

    packages: dict[str, tuple[LockedPackage, ...]]
    parts: dict[str, Part]
    build: LockedBuild | None = None
    builds: dict[str, LockedBuild] = field(default_factory=dict)
    format: int = FORMAT

    def locked(self, id: str) -> LockedBuild | None:
        """What it says of the build ``id``; None: it is not of that."""
        if self.build:
            return self.build if self.build.id == id else None
        return self.builds.get(id)

    @property
    def told(self) -> str:
        """What it is of, for people."""
        return self.build.id if self.build else ", ".join(self.builds)


def join_locks(parts: Mapping[str, Lock], build: LockedBuild | dict[str, LockedBuild]) -> LockFile:
    """The lock file of ``build``, or of several by their ids, whose locks by subject are ``parts``.

    :raises ConfigError: when two of them hold different packages of one name
    """
    packages: dict[str, dict[str, LockedPackage]] = {}
    for subject, lock in parts.items():
        known = packages.setdefault(lock.platform, {})
        for package in lock.packages:
            if known.setdefault(package.name, package) != package:
                raise ConfigError(
                    f"the lock of {subject} holds {package}, another lock {known[package.name]}",
                    hint="the mirror changed in between: run the same command again",
                )
    one, several = (build, {}) if isinstance(build, LockedBuild) else (None, build)
    return LockFile(
        build=one,
        builds=several,
        format=1 if one else FORMAT,
        packages={name: tuple(sorted(known.values())) for name, known in packages.items()},
        parts={
            subject: Part(lock.platform, lock.requested, tuple(p.name for p in lock.packages))
            for subject, lock in parts.items()
        },
    )


def lock_of(lock_file: LockFile, subject: str) -> Lock:
    """The lock of ``subject``, as it was joined.

    :raises ConfigError: when the file does not hold it
    """
    if subject not in lock_file.parts:
        locked = [lock_file.build] if lock_file.build else list(lock_file.builds.values())
        hosts = ", ".join(dict.fromkeys(it.host for it in locked))
        raise ConfigError(
            f"the lock file holds no {subject}: it is that of {lock_file.told}, made on a host of"
            f" {hosts}",
            hint=_ANEW,
        )
    found = lock_file.parts[subject]
    known = {package.name: package for package in lock_file.packages.get(found.platform, ())}
    missing = [name for name in found.packages if name not in known]
    if missing:
        raise ConfigError(
            f"the lock file holds no package {missing[0]} of {found.platform}, which {subject}"
            " names",
            hint=_ANEW,
        )
    return Lock(found.platform, found.requested, tuple(known[name] for name in found.packages))


def format_lock_file(lock_file: LockFile) -> str:
    """The lock file as text: sorted, one field a line, so that a diff can be read."""
    data = encode(lock_file)
    del data["builds" if lock_file.build else "build"]
    return json.dumps(data, indent=1, sort_keys=True) + "\n"


def read_lock_file(path: Path) -> LockFile:
    """The lock file at ``path``.

    :raises ConfigError: when the file is missing, damaged, or of a newer format
    """
    try:
        status = path.stat()
        return _parse(path, (status.st_mtime_ns, status.st_size, status.st_ino))
    except FileNotFoundError as error:
        raise ConfigError(
            f"there is no lock file {path}", hint="doit lock distro= board= lock=FILE makes it"
        ) from error
    except OSError as error:
        raise ConfigError(
            f"the lock file {path} cannot be read: {error.strerror}", hint="name a file with lock="
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"{path} is not a lock file: {str(error)[:_LONGEST_REASON]}",
            hint="restore it, or delete it and make a new one with doit lock lock=FILE",
        ) from error


@functools.lru_cache(maxsize=2)
def _parse(path: Path, version: tuple[int, ...]) -> LockFile:
    """The lock file at ``path``, which each build of a run asks for; one of another ``version`` is
    read again.
    """
    data = parse_json(_read_bytes(path))
    if any(not text.isprintable() for text in texts(data)):
        raise ValueError("it has control characters")
    _check_format(path, data)
    lock_file: LockFile = decode(LockFile, data)
    if bool(lock_file.build) == bool(lock_file.builds):
        raise ValueError("it does not say of which build it is")
    return lock_file


def _read_bytes(path: Path) -> bytes:
    """The bytes of the file, of which not more are read than a lock file can have."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ValueError("it is a device or a pipe")
    with path.open("rb") as stream:
        content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"it has more than {_LARGEST} bytes")
    return content


def _check_format(path: Path, data: Any) -> None:
    number = data.get("format") if isinstance(data, dict) else None
    if type(number) is not int or number < 1:
        raise ValueError("its format is missing")
    if number > FORMAT:
        raise ConfigError(
            f"the lock file {path} is of format {number}, and this aimager knows only {FORMAT}",
            hint="use a newer aimager, or delete it and make a new one with doit lock lock=FILE",
        )


def check_build(build: Build, lock_file: LockFile) -> None:
    """Refuse to make ``build`` from a lock file that is not its own.

    :raises ConfigError: when it is that of another build, or does not hold a package that is
        asked for, or holds one that nobody signed and no folder is named for
    """
    locked = lock_file.locked(build.id)
    if locked is None or locked.id != build.image_id:
        raise ConfigError(
            f"the lock file is that of {lock_file.told}, not of {build.id}",
            hint="leave out distro=, board= and arch=, or name another file with lock="
            if lock_file.build
            else _TAKE_IN,
        )
    _check_settings(build, locked)
    lock = lock_of(lock_file, build.id)
    refuse_foreign(lock.packages, build.sources)
    held = {*lock.requested, *(package.name for package in lock.packages)}
    missing = [name for name in build.installs if name not in held]
    if missing:
        raise ConfigError(f"the lock file does not hold {' '.join(missing)}", hint=_TAKE_IN)
    unsigned = [str(package) for package in lock.packages if not package.is_signed]
    if unsigned and not build.own_packages:
        raise ConfigError(
            f"the lock file holds {unsigned[0]}, which nobody signed",
            hint="packages=FOLDER names its folder, and allows its use; install-pkgs= takes files",
        )


def _check_settings(build: Build, locked: LockedBuild) -> None:
    wanted = build.initramfs or ""
    if locked.initramfs not in ("", wanted):
        raise ConfigError(
            f"the lock file is for the initramfs maker {locked.initramfs}, not {wanted}",
            hint=_TAKE_IN,
        )
    others = [kind for kind in build.file_systems if kind not in locked.file_systems]
    if others and locked.file_systems:
        raise ConfigError(
            f"the lock file is for the file systems {' '.join(locked.file_systems)},"
            f" not {' '.join(others)}",
            hint=f"say root-fs= or table= as when it was made, or {_TAKE_IN}",
        )
