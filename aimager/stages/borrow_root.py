"""make-rootfs-archive, for the host's own platform: the borrowed root."""

from dataclasses import dataclass
from pathlib import Path

from aimager.archive import pack_tree, unpack_packages
from aimager.keyring import open_home, verify
from aimager.lock import read_lock
from aimager.memory import tmpfs_size
from aimager.namespace import call
from aimager.toolbox import Toolbox
from aimager.workshop import Workshop, environment


@dataclass(frozen=True)
class BorrowRoot:
    """Unpack the packages of ``lock``, each verified before, and run none of their scriptlets."""

    lock: Path
    fetched: Path
    keyring: Path
    target: Path
    workshop: Workshop = environment()

    def run(self) -> None:
        """Publish the borrowed root.

        :raises TrustError: when a package is not signed by a trusted key
        """
        call(
            _borrow,
            self,
            work=self.workshop.work,
            writable=[self.workshop.cache],
            products=[self.target],
            tmpfs=tmpfs_size(read_lock(self.lock).installed_size * 3 // 2),
        )


def _borrow(stage: BorrowRoot) -> None:
    lock = read_lock(stage.lock)
    work, store = stage.workshop.work, stage.workshop.store
    with stage.workshop.logging() as log:
        tools = Toolbox(None, log)
        home = work / "gnupg"
        open_home(tools, stage.keyring, home)
        verify(tools, home, lock.packages, store)
        root = work / "root"
        unpack_packages([package.path(store) for package in lock.packages], root)
        pack_tree(tools, root, stage.target, epoch=lock.epoch)
