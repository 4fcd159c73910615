"""The lock: exactly which packages a product is made of. Its bytes are its identity."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aimager.codec import decode, encode
from aimager.errors import ConfigError
from aimager.files import ReadOnce
from aimager.shown import shown

UNSIGNED = "@packages"
"""The repository of packages that nobody signed; no other can have a name that begins so."""

_LONGEST_NAME = 200
"""Bytes of a package's file name: the system takes 255, and temporary files have longer ones."""

_MOST = 1 << 62
_LAST_DATE = 253_402_300_799
"""Bytes of a package, and the last second of the year 9999, the last that Python can tell."""


COPIES = 4
"""How often an installed system lies on the disk at most: its tree, archives, image and disk."""


@dataclass(frozen=True, order=True, slots=True)
class LockedPackage:
    """One package; sizes in bytes, ``build_date`` in seconds since the epoch.

    :raises ValueError: for a file name with a folder in it, or an invalid checksum or size
    """

    name: str
    version: str
    architecture: str
    repository: str
    file: str
    sha256: str
    size: int
    installed_size: int
    build_date: int

    def __post_init__(self) -> None:
        for told in (self.name, self.version, self.architecture, self.repository, self.file):
            if not told.isprintable() or "/" in told:
                raise ValueError(f"it says {shown(told)}")
        name = self.file
        if not 0 < len(name.encode()) <= _LONGEST_NAME or {*"/\0"} & {*name} or name[0] == ".":
            raise ValueError(f"it names the file {self.file}")
        if len(self.sha256) != 64 or not set(self.sha256) <= set("0123456789abcdef"):
            raise ValueError(f"it says of {self.file} that its SHA-256 is {self.sha256}")
        if not (0 < self.size <= _MOST and 0 <= self.installed_size <= _MOST):
            raise ValueError(f"it says of {self.file} that it has {self.size} bytes")
        if not 0 <= self.build_date <= _LAST_DATE:
            raise ValueError(f"it says that {self.file} was built at {self.build_date}")

    @property
    def is_signed(self) -> bool:
        """Whether it has a signature to verify; else it is known by its SHA-256 alone."""
        return self.repository != UNSIGNED

    def path(self, store: Path) -> Path:
        """Where its file lies in ``store``; its signature lies beside it."""
        return store / f"{self.sha256[:2]}/{self.sha256}/{self.file}"

    def signature(self, store: Path) -> Path:
        """Where its signature lies."""
        return self.path(store).with_name(f"{self.file}.sig")

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Lock:
    """Packages sorted by name, and those of them that were asked for by name."""

    platform: str
    requested: tuple[str, ...]
    packages: tuple[LockedPackage, ...]

    @property
    def epoch(self) -> int:
        """The newest build date in it, in seconds: the time stamp of what is made of it."""
        return max((package.build_date for package in self.packages), default=0)

    @property
    def installed_size(self) -> int:
        """The sum of all installed sizes in bytes."""
        return sum(package.installed_size for package in self.packages)

    def without(self, other: "Lock") -> tuple[LockedPackage, ...]:
        """The packages that are not also in ``other``."""
        return tuple(package for package in self.packages if package not in other.packages)


def write_lock(lock: Lock) -> str:
    """The lock as text: sorted, one field a line, so that a diff can be read."""
    return json.dumps(encode(lock), indent=1, sort_keys=True) + "\n"


def read_lock(path: Path) -> Lock:
    """The lock in a file.

    :raises ConfigError: when it does not hold one
    """
    try:
        return _locks(path)
    except ValueError as error:
        raise ConfigError(f"{path} is not a lock: {error}", hint="delete it") from error


def _decode(text: bytes) -> Lock:
    lock: Lock = decode(Lock, json.loads(text.decode()))
    return lock


_locks = ReadOnce(_decode)


def newest(locks: Iterable[Lock]) -> int:
    """The newest build date in several locks."""
    return max(lock.epoch for lock in locks)


def find_package(packages: Sequence[LockedPackage], name: str) -> LockedPackage | None:
    """The package of this name."""
    return next((package for package in packages if package.name == name), None)
