"""How much room installing packages takes, and how much what they run may take."""

from pathlib import Path

from aimager.memory import tmpfs_size
from aimager.model.lock import Lock, read_lock
from aimager.model.workshop import Workshop
from aimager.sandbox.privileges import Limits
from aimager.system.reused_root import ReusedRoot, read_reused

_MARGIN = 512 << 20
_MOST_BESIDE = 8 << 30


def work_size(
    workshop: Workshop,
    lock: Path,
    borrowed: Path | None,
    *,
    copies: int = 1,
    reused: Path | None = None,
) -> int | None:
    """The size in bytes of a tmpfs for so many copies of a tree; None: it belongs on disk."""
    tree = read_lock(lock).installed_size
    tree += read_reused(reused).size if reused else 0
    tools = borrowed.stat().st_size if borrowed else 0
    needed = tree * copies + tools + _MARGIN
    return tmpfs_size(needed, wish=workshop.memory, jobs=workshop.jobs)


def limits(workshop: Workshop, lock: Lock, reused: ReusedRoot | None = None) -> Limits:
    """How much what ``lock``'s packages run may take: more than any installation needs."""
    tree = lock.installed_size + (reused.size if reused else 0)
    return Limits(folder=workshop.work, written=2 * tree + _MOST_BESIDE)
