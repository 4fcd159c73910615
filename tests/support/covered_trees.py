"""Trees that are changed by an overlay, beside such that are changed themselves."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aimager.sandbox.kept_tmpfs import mount_new
from aimager.sandbox.overlay import Overlay, OverlayError, lay_over
from aimager.sandbox.tree import Tree
from aimager.sandbox.tree_changes import Difference, find_changes, watch
from tests.support.passed_trees import MIB, described, fill

Change = Callable[[Path], object]


def _replace_folder(top: Path) -> None:
    shutil.rmtree(top / "b")
    (top / "b").mkdir()
    (top / "b/other").touch()


def _replace_by_folder(top: Path) -> None:
    (top / "alpha").unlink()
    (top / "alpha/deep").mkdir(parents=True)
    (top / "alpha/deep/file").write_text("new")


def _replace_folder_by_file(top: Path) -> None:
    shutil.rmtree(top / "b")
    (top / "b").write_text("file")


def _rewrite(top: Path) -> None:
    """The same bytes, and the time as it was."""
    status = (top / "9").stat()
    (top / "9").write_text("9")
    os.utime(top / "9", ns=(status.st_atime_ns, status.st_mtime_ns))


def _link(top: Path) -> None:
    os.link(top / "9", top / "a/nine")


def _move(top: Path) -> None:
    (top / "midway").rename(top / "a/midway")


def _come_and_go(top: Path) -> None:
    (top / "short").mkdir()
    (top / "short/lived").touch()
    shutil.rmtree(top / "short")


CHANGES: Mapping[str, Change] = {
    "nothing": lambda top: None,
    "new": lambda top: (top / "b/deep/new").write_text("new"),
    "written": lambda top: (top / "9").write_text("other"),
    "written-as-it-was": _rewrite,
    "opened": lambda top: (top / "9").open("r+b").close(),
    "removed": lambda top: (top / "9").unlink(),
    "removed-folder": lambda top: shutil.rmtree(top / "b"),
    "replaced-folder": _replace_folder,
    "replaced-by-folder": _replace_by_folder,
    "replaced-folder-by-file": _replace_folder_by_file,
    "mode": lambda top: (top / "9").chmod(0o600),
    "mode-of-folder": lambda top: (top / "b/deep").chmod(0o700),
    "owner-of-link": lambda top: os.chown(top / "b/deep/file5", 3, 3, follow_symlinks=False),
    "moved": _move,
    "come-and-gone": _come_and_go,
}
"""What may be done to a tree of `fill`."""

SHARED: Mapping[str, Change] = {
    "another-name": _link,
    "one-name-written": lambda top: (top / "zeta").write_text("other"),
    "one-name-gone": lambda top: (top / "second").unlink(),
    "one-name-gone-with-its-folder": lambda top: shutil.rmtree(top / "a"),
}
"""What an overlay cannot tell."""


@dataclass(frozen=True)
class Asked:
    """A change, by its name, to trees below ``work``."""

    work: Path
    change: str


@dataclass(frozen=True)
class Found:
    """What came of it by an overlay, and where the tree itself was changed.

    ``below`` is whether the tree below the overlay is as it was, and ``top`` whether the top of the
    overlay's is like that of the tree before.
    """

    changed: list[str]
    changed_itself: list[str]
    tree: list[str]
    tree_itself: list[str]
    below: bool
    top: bool


def change_both(asked: Asked) -> Found:
    """Change two trees that are alike."""
    overlay, top = _cover(asked.work)
    itself = asked.work / "itself"
    mount_new(itself, size=64 * MIB)
    _fill(itself)
    before = list(described(overlay.lower))
    since = watch(Tree(itself))
    CHANGES[asked.change](overlay.merged)
    CHANGES[asked.change](itself)
    found = Found(
        _told(Tree(overlay.merged), overlay.difference()),
        _told(Tree(itself), since()),
        _shown(overlay.merged),
        _shown(itself),
        list(described(overlay.lower)) == before,
        top,
    )
    overlay.remove()
    return found


def change_shared(asked: Asked) -> str:
    """What is told of a change that an overlay cannot tell."""
    overlay, _ = _cover(asked.work)
    SHARED[asked.change](overlay.merged)
    try:
        overlay.difference()
    except OverlayError as error:
        return str(error)
    return ""


def leave_nothing(work: Path) -> list[str]:
    """What is left beside a tree of an overlay that was removed while it was full."""
    overlay, _ = _cover(work)
    (overlay.merged / "large").write_bytes(bytes(MIB))
    shutil.rmtree(overlay.merged / "b")
    overlay.remove()
    return sorted(path.name for path in overlay.folder.parent.iterdir())


def _cover(work: Path) -> tuple[Overlay, bool]:
    room = work / "a,room:of its\\own"
    mount_new(room, size=64 * MIB)
    lower = room / "root"
    lower.mkdir()
    _fill(lower)
    overlay = lay_over(lower, room / "overlay")
    above, below = (list(described(top))[-1].split()[:4] for top in (overlay.merged, lower))
    return overlay, above == below


def _fill(top: Path) -> None:
    """With a top that is not like any other folder."""
    fill(top)
    os.chown(top, 4, 5)
    os.chmod(top, 0o2750)  # noqa: PTH101
    os.utime(top, ns=(1, 1_234_567_891))


def _told(tree: Tree, difference: Difference) -> list[str]:
    found = find_changes(tree, difference)
    kept = [f"kept {name} {after.mode:o}" for name, _, after in found.kept]
    return [
        *(f"removed {name} {seen.mode:o}" for name, seen in found.removed),
        *(f"made {name} {seen.mode:o} {seen.owner}" for name, seen in found.made),
        *(line for line in kept if line.split()[1] not in ("a", "b")),
    ]


def _shown(top: Path) -> list[str]:
    """Without the order of names, the times, which are now's, and the top.

    Of names of one file, which are the same is told.
    """
    lines = [line.split() for line in list(described(top))[:-1]]
    same: dict[str, list[str]] = {}
    for words in lines:
        same.setdefault(words[-1], []).append(words[0])
    return sorted(" ".join([*w[:3], *w[5:-1], *sorted(same[w[-1]])]) for w in lines)
