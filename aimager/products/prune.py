"""Making room in the cache: what has not been used for the longest time goes first.

What a run that is under way uses stays: the products in its view, and the packages that the locks
in its view name.
"""

import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aimager.locks import locked
from aimager.products.cache import guard, remove_product
from aimager.products.inventory import (
    PACKAGES,
    Item,
    disk_usages,
    list_packages,
    list_products,
    locked_packages,
)
from aimager.products.record import read_record
from aimager.products.run_folder import is_held


@dataclass(frozen=True)
class Limit:
    """How much may stay: at most ``size`` bytes, and nothing last used before ``since``, which is
    in seconds since 1970."""

    size: int | None = None
    since: float | None = None


@dataclass(frozen=True)
class Pruned:
    """What was removed, and how many bytes are left."""

    items: tuple[Item, ...]
    left: int


def prune(products: Path, store: Path, runs: Path, limit: Limit) -> Pruned:
    """Remove products and packages until what is left is within ``limit``.

    A package is never removed before all locks that name it. ``runs`` is the folder of the runs'
    folders.
    """
    with guard(products):
        kept = list_products(products)
        items = [*kept, *list_packages(store, kept)]
        used = _in_use(runs)
        free = [item for item in items if not _protected(item, *used)]
        # A lock goes before its packages, which were last used when it was.
        free.sort(key=lambda item: (item.used, item.kind == PACKAGES))
        gone: list[Item] = []
        # More than once, because what two products share is only freed with the second.
        while chosen := choose(free, limit, disk_usages([products, store])):
            for item in chosen:
                if item.kind == PACKAGES:
                    shutil.rmtree(item.folder)
                else:
                    remove_product(item.folder)
            free = [item for item in free if item not in chosen]
            gone += chosen
        _tidy(products, store)
    return Pruned(tuple(gone), disk_usages([products, store]))


def choose(items: Sequence[Item], limit: Limit, left: int) -> list[Item]:
    """The first of ``items`` without which no more than ``limit`` of ``left`` bytes stays."""
    chosen = []
    for item in items:
        is_old = limit.since is not None and item.used < limit.since
        is_too_much = limit.size is not None and left > limit.size
        if is_old or is_too_much:
            chosen.append(item)
            left -= item.size
    return chosen


def _in_use(runs: Path) -> tuple[frozenset[Path], frozenset[str]]:
    """Which products, as TASK/SUBJECT/ID, and which packages runs that are under way use."""
    views = [run / "view" for run in runs.iterdir() if is_held(run)] if runs.is_dir() else []
    found, locks = set(), []
    for view in views:
        with suppress(FileNotFoundError):  # its run has just ended
            for folder in view.glob("*/*/"):
                record = read_record(folder)
                if record:
                    found.add(Path(record.task, record.subject, record.id))
                locks.append(folder / "lock.json")
    return frozenset(found), locked_packages(locks)


def _protected(item: Item, products: frozenset[Path], packages: frozenset[str]) -> bool:
    if item.kind == PACKAGES:
        return item.folder.name in packages
    return Path(*item.folder.parts[-3:]) in products


def _tidy(products: Path, store: Path) -> None:
    """Remove what killed makers left, locks that nobody holds, and empty folders."""
    for path in (*products.glob("*/.*"), *products.glob("*/*/.*")):
        if path.is_dir():  # nobody is keeping a product now
            shutil.rmtree(path)
            continue
        with suppress(BlockingIOError), locked(path, wait=False):
            pass  # which removes it
    for folder in (*products.glob("*/*/"), *products.glob("*/"), *store.glob("*/")):
        with suppress(OSError):  # it is not empty
            folder.rmdir()
