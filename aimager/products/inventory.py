"""What the cache holds: products and packages with their sizes, and when each was used last."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from aimager import units
from aimager.errors import ConfigError
from aimager.model.lock import read_lock
from aimager.products.record import RECORD

PACKAGES = "packages"
_LOCK = "lock.json"


@dataclass(frozen=True)
class Item:
    """A folder that is removed as one.

    ``size`` is in bytes on the disk, ``used`` in seconds since 1970. ``packages`` are the SHA-256
    of those that a lock names.
    """

    kind: str
    folder: Path
    size: int
    used: float
    packages: frozenset[str] = field(default=frozenset(), repr=False)


def list_products(products: Path) -> list[Item]:
    """All kept products below the folder ``products``; their kind is their task."""
    return [_product(path.parent) for path in sorted(products.glob(f"*/*/[!.]*/{RECORD}"))]


def _product(folder: Path) -> Item:
    used = (folder / RECORD).stat().st_mtime
    packages = locked_packages([folder / _LOCK])
    return Item(folder.parents[1].name, folder, disk_usage(folder), used, packages)


def list_packages(store: Path, products: Iterable[Item]) -> list[Item]:
    """All packages in ``store``, last used when a lock among ``products`` was that names them."""
    used: dict[str, float] = {}
    for product in products:
        for package in product.packages:
            used[package] = max(used.get(package, 0.0), product.used)
    return [
        Item(
            PACKAGES,
            folder,
            disk_usage(folder),
            max(used.get(folder.name, 0.0), folder.stat().st_mtime),
            frozenset([folder.name]),
        )
        for folder in sorted(store.glob("*/*/"))
    ]


def locked_packages(locks: Iterable[Path]) -> frozenset[str]:
    """The SHA-256 of all packages that ``locks`` name, those that cannot be read left out."""
    found: set[str] = set()
    for path in locks:
        try:
            found |= {package.sha256 for package in read_lock(path).packages}
        except (FileNotFoundError, ConfigError):
            continue
    return frozenset(found)


def disk_usage(folder: Path) -> int:
    """The bytes that ``folder`` takes on the disk, a file of several names counted once."""
    return sum(size for _, size in _files(folder, set()))


def disk_usages(folders: Iterable[Path]) -> int:
    """The same of several folders together."""
    seen: set[tuple[int, int]] = set()
    return sum(size for folder in folders for _, size in _files(folder, seen))


def table(items: Iterable[Item], others: Mapping[str, Path]) -> list[str]:
    """Lines that tell, by kind, how many there are, their size and when one was used last.

    ``others`` are folders that hold no items, by what to call them.
    """
    kinds: dict[str, list[Item]] = {}
    for item in items:
        kinds.setdefault(item.kind, []).append(item)
    rows = [
        (kind, len(some), disk_usages(i.folder for i in some), max(i.used for i in some))
        for kind, some in kinds.items()
    ]
    rows += [
        (
            name,
            sum(path.is_file() for path in folder.rglob("*")),
            disk_usage(folder),
            _newest(folder),
        )
        for name, folder in others.items()
        if folder.is_dir()
    ]
    lines = [f"{'kind':20} {'number':>6} {'size':>10}   last used"]
    lines += [
        f"{kind:20} {number:6} {units.size(size):>10}   {_moment(used)}"
        for kind, number, size, used in rows
    ]
    total = sum(size for _, _, size, _ in rows)
    return [*lines, f"{'total':20} {sum(row[1] for row in rows):6} {units.size(total):>10}"]


def _newest(folder: Path) -> float:
    times = (status.st_mtime for _, status in _statuses(folder))
    return max(times, default=folder.stat().st_mtime)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def _files(folder: Path, seen: set[tuple[int, int]]) -> Iterator[tuple[str, int]]:
    for path, status in _statuses(folder):
        if (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            yield path, status.st_blocks * 512


def _statuses(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every file below ``folder`` that a build does not just take away."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)  # noqa: PTH118 - thousands of them
            with suppress(FileNotFoundError):
                yield path, os.lstat(path)
