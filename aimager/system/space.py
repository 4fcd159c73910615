"""How much room installing packages takes, and how much what they run may take."""

from dataclasses import dataclass
from pathlib import Path

from aimager.memory import tmpfs_size
from aimager.model.lock import Lock, read_lock
from aimager.model.workshop import Workshop
from aimager.sandbox.privileges import Limits
from aimager.system.reused_root import ReusedRoot, read_reused

_MARGIN = 512 << 20
_MOST_BESIDE = 8 << 30


@dataclass(frozen=True)
class Space:
    """Room for a tree: ``needed`` bytes, and the size of a tmpfs of it; None: it belongs on disk.

    The tmpfs may be smaller than what is needed where the user wants that.
    """

    needed: int
    tmpfs: int | None


def work_space(
    workshop: Workshop,
    lock: Path,
    borrowed: Path | None,
    *,
    copies: int = 1,
    reused: Path | None = None,
) -> Space:
    """Room for so many copies of the tree of ``lock``'s packages, and for the borrowed programs."""
    tree = read_lock(lock).installed_size
    tree += read_reused(reused).size if reused else 0
    tools = borrowed.stat().st_size if borrowed else 0
    needed = tree * copies + tools + _MARGIN
    return Space(needed, tmpfs_size(needed, wish=workshop.memory, jobs=workshop.jobs))


def limits(
    workshop: Workshop, lock: Lock, reused: ReusedRoot | None = None, *, room: Path
) -> Limits:
    """How much what ``lock``'s packages run may take: more than any installation needs.

    Their tree lies in ``room``.
    """
    tree = lock.installed_size + (reused.size if reused else 0)
    return Limits(folder=workshop.work, mounted=(room,), written=2 * tree + _MOST_BESIDE)
