"""A tree seen at another place, where all that is changed of it lies elsewhere (overlayfs).

So a tree is laid once for many images. What an image changes is what its ``upper`` folder holds,
and no walk through the whole tree is needed to find that.

Some things differ from the tree itself: a file that is only opened for writing is copied, as if it
were changed; of the names of one file only that by which it is changed is another then, and a new
name of an old file is that of another; and a folder of the tree cannot be renamed (EXDEV), which
mv(1) knows (https://docs.kernel.org/filesystems/overlayfs.html, "Non-standard behavior").
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aimager.sandbox.binding import bind
from aimager.sandbox.syscalls import MNT_DETACH, mount, umount2
from aimager.sandbox.tree import Tree, shown
from aimager.sandbox.tree_changes import Difference, Seen, attributes_of, see
from aimager.trees import remove_folder

_UPPER, _WORK, _MERGED, _BELOW = "upper", "work", "root", "below"

_PROBE, _OPAQUE = "user.probe", "user.overlay.opaque"
"""The latter is what a folder has that took the place of one below (``userxattr``)."""


class OverlayError(Exception):
    """An overlay cannot do this: the tree itself has to be changed."""


@dataclass(frozen=True)
class Overlay:
    """The tree ``lower`` as it is seen at ``merged``; both lie in one tmpfs."""

    lower: Path
    folder: Path

    @property
    def merged(self) -> Path:
        """The top of what is seen."""
        return self.folder / _MERGED

    def difference(self) -> Difference:
        """What was changed; nobody changes it any more.

        :raises OverlayError: when a file that was there has, or had, several names
        """
        before, after = dict[str, Seen](), dict[str, Seen]()
        old, new = Tree(self.lower), Tree(self.merged)
        for path in self._touched(old):
            was, now = see(old, path), see(new, path)
            if was and now and was.is_folder and now.is_folder and not now.differs(was):
                continue
            if was and any(seen.links > 1 for seen in (was, now) if seen and not seen.is_folder):
                raise OverlayError(f"{shown(path)} has other names")
            before |= {path: was} if was else {}
            after |= {path: now} if now else {}
        return Difference(before, after)

    def _touched(self, old: Tree) -> Iterator[str]:
        """All paths that may be other ones than below, a folder before what lies in it."""
        upper = Tree(self.folder / _UPPER)
        for path, status in upper.walk():
            yield path
            below = old.lstat(path)
            if not (below and stat.S_ISDIR(below.st_mode)):
                continue
            if not stat.S_ISDIR(status.st_mode) or _is_opaque(upper, path):
                yield from (f"{path}/{name}" for name, _ in old.walk(path))

    def show(self, root: Path) -> None:
        """Let it be seen at its own path below ``root``, too."""
        bind(self.merged, _below(root, self.merged))

    def remove(self, shown: Path | None = None) -> None:
        """Take what was changed away, also from below the root where it was ``shown``.

        ``lower`` is as it was.
        """
        for path in (self.merged, *([_below(shown, self.merged)] if shown else [])):
            with suppress(OSError):  # it is not mounted
                umount2(path, MNT_DETACH)
        remove_folder(self.folder)


def _below(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _is_opaque(upper: Tree, path: str) -> bool:
    """Whether nothing of the folder below is seen through that of this ``path``."""
    with upper.folder(path, os.O_NOFOLLOW) as folder:
        return _OPAQUE in os.listxattr(folder)


def lay_over(lower: Path, folder: Path) -> Overlay:
    """Have ``lower`` seen by an overlay in ``folder``, which is made.

    :raises OverlayError: when that is refused: the kernel has no overlayfs, or not for users
        (before 5.11), or a tmpfs of it has no attributes of users (before 6.6)
    """
    overlay = Overlay(lower, folder)
    for name in (_UPPER, _WORK, _MERGED):
        (folder / name).mkdir(parents=True)
    try:
        _be_as(lower, folder / _UPPER)
        _mount(lower, folder)
    except OSError as error:
        overlay.remove()
        raise OverlayError(f"the kernel refuses an overlay: {error.strerror}") from error
    return overlay


def _be_as(lower: Path, upper: Path) -> None:
    """Give the top of what is seen, which is ``upper``, all that ``lower`` has.

    :raises OSError: also when the file system keeps no attributes of users, which overlayfs needs
    """
    os.setxattr(upper, _PROBE, b"")
    os.removexattr(upper, _PROBE)
    status = lower.stat()
    os.chown(upper, status.st_uid, status.st_gid)
    upper.chmod(stat.S_IMODE(status.st_mode))
    descriptor = os.open(lower, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name, value in attributes_of(descriptor):
            os.setxattr(upper, name, value)
    finally:
        os.close(descriptor)
    os.utime(upper, ns=(status.st_atime_ns, status.st_mtime_ns))


def _mount(lower: Path, folder: Path) -> None:
    """Mount it by names that have neither commas nor colons in them, whatever the path has."""
    here = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.chdir(folder)
        data = f"userxattr,index=off,xino=off,lowerdir={_BELOW},upperdir={_UPPER},workdir={_WORK}"
        Path(_BELOW).symlink_to(lower)
        mount("overlay", _MERGED, "overlay", 0, data)
    finally:
        os.fchdir(here)
        os.close(here)
