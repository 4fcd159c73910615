"""Files that a builder opens, and a worker fills.

A worker sees nothing of the cache. What it makes for the cache it writes into files that were
opened for it, and of which it sees the content alone: their folders, names, owners and modes are
the builder's. Once it has ended, the builder gives each of them its name.
"""

import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aimager.errors import ImageError, about
from aimager.files import FILE
from aimager.sandbox.worker_root import Seen, see


@dataclass(frozen=True)
class HandedFile:
    """An empty file, ``temporary``, that becomes ``target``; ``descriptor`` is the builder's."""

    target: Path
    temporary: Path
    descriptor: int

    @property
    def seen(self) -> Seen:
        """How the worker has it: where it will be."""
        return Seen(self.temporary.resolve(), self.target, writable=True)

    def publish(self) -> None:
        """Give it its name; one that was left empty is not made.

        :raises ImageError: when it is no longer this user's
        """
        status = os.fstat(self.descriptor)
        if status.st_uid != os.geteuid() or not stat.S_ISREG(status.st_mode):
            raise ImageError(
                f"{self.target.name} was given another owner while it was made",
                hint="build again; whoever can write to the cache may have changed it",
            )
        if not status.st_size:
            return
        os.fchmod(self.descriptor, FILE)
        with about(self.target):
            os.fsync(self.descriptor)
        self.temporary.rename(self.target)


@contextmanager
def hand_out(products: Sequence[Path]) -> Iterator[tuple[HandedFile, ...]]:
    """Open a file for each of ``products``; those that are filled appear when the block ends well.

    Until then, what had their names stays, and what was begun is removed when the block raises.
    """
    opened: list[HandedFile] = []
    try:
        for product in products:
            opened.append(_open(product.absolute()))
        yield tuple(opened)
        for file in opened:
            file.publish()
    finally:
        for file in opened:
            file.temporary.unlink(missing_ok=True)
            os.close(file.descriptor)


def _open(target: Path) -> HandedFile:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    return HandedFile(target, Path(name), descriptor)


def keep_open(paths: Sequence[Path]) -> tuple[Seen, ...]:
    """Files that the worker writes to in place, made if missing: logs, and downloads under way."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE))
    return tuple(see(path, writable=True) for path in paths)


def see_all(paths: Sequence[Path]) -> tuple[Seen, ...]:
    """What a worker reads, as far as it is there: it says itself what it misses."""
    found = []
    for path in paths:
        with suppress(FileNotFoundError):
            found.append(see(path))
    return tuple(found)
