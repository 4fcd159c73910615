"""The tree of an installed system: passed on by the stage that archived it, or unpacked.

A stage has its tree in a room, which is a tmpfs where memory allows. When the archive is made, the
room is left to the builder's later calls, and whoever would unpack that archive takes it. Either
way the tree is settled, so that nobody can tell which way it came (`aimager.sandbox.settled_tree`).
"""

import os
from collections.abc import Sequence
from pathlib import Path

from aimager import progress
from aimager.sandbox.kept_tmpfs import archive_name, keep_tree, mount_new, take_tree
from aimager.sandbox.overlay import Overlay, lay_over
from aimager.sandbox.owners import told_owners
from aimager.sandbox.settled_tree import settle
from aimager.sandbox.syscalls import MNT_DETACH, umount2
from aimager.system.layers import lay_layers, without_empty
from aimager.system.space import Space
from aimager.toolbox import Heed, Toolbox
from aimager.trees import remove_folder

_ROOT, _OVERLAY = "root", "overlay"


class Room:
    """The ``folder`` that holds a tree, and what is made beside it of the tree's files.

    It is to be made before the toolbox: programs see what is mounted when that is.
    """

    def __init__(self, folder: Path, space: Space, archives: Sequence[Path] = ()) -> None:
        """Make it empty, or with the tree of a root archive and layers where that was passed on."""
        self.folder = folder
        self.root = folder / _ROOT
        self.space = space
        self._archives = without_empty(archives)
        self._has_tree = bool(self._archives) and self._take(self._archives[-1])
        self._is_in_memory = self._has_tree or space.tmpfs is not None
        if self._has_tree:
            if (folder / _OVERLAY).exists():  # of a call that was killed
                remove_folder(folder / _OVERLAY)
            return
        if space.tmpfs is None:
            folder.mkdir(exist_ok=True)
        else:
            mount_new(folder, size=space.tmpfs)

    def lay(self, tools: Toolbox, *, of: str, heed: Heed | None = None) -> None:
        """Have the tree of its archives in it.

        ``of`` tells whose it is where an owner is missing here, and ``heed`` is `unpack_tree`'s.

        :raises CommandError: when one of them cannot be unpacked
        :raises HostError: when this machine lacks the id of an owner
        """
        if not self._archives or self._has_tree:
            return
        progress.step(f"unpacking {of}")
        with told_owners(f" of {of}"):
            lay_layers(tools, self._archives, self.root, heed=heed)
        if self._is_in_memory:
            settle(self.root)

    def overlay(self) -> Overlay | None:
        """See its tree elsewhere, where it may be changed; None: it has to be changed itself.

        The tree, which nobody changes from now on, is left to later calls already.

        :raises OverlayError: when the kernel refuses that
        """
        if not (self._archives and self._is_in_memory):
            return None
        overlay = lay_over(self.root, self.folder / _OVERLAY)
        keep_tree(archive_name(self._archives[-1]), self.folder)
        return overlay

    def leave(self) -> None:
        """See no more of a tree that is left to later calls."""
        umount2(self.folder, MNT_DETACH)

    def settle(self, epoch: int) -> None:
        """Make the tree what it would be if its archive, of the time ``epoch``, were unpacked."""
        if self._is_in_memory:
            settle(self.root, epoch)

    def pass_on(self, archive: Path) -> None:
        """Leave the tree, settled and alone in its room, to who would unpack ``archive``."""
        if self._is_in_memory and [path.name for path in self.folder.iterdir()] == [_ROOT]:
            keep_tree(archive_name(archive), self.folder)

    def _take(self, archive: Path) -> bool:
        """Whether the tree of ``archive`` was passed on, in a room that is large enough."""
        if not take_tree(archive_name(archive), self.folder):
            return False
        status = os.statvfs(self.folder)
        # What takes memory here is the tree itself, so that no other has to be there for it.
        least = min(self.space.needed, self.space.tmpfs or self.space.needed)
        if status.f_blocks * status.f_frsize >= least:
            return True
        umount2(self.folder, MNT_DETACH)
        return False
