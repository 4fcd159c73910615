"""keyring-backup: what of a keyring verifies packages, without what could sign them."""

from dataclasses import dataclass
from pathlib import Path

from aimager.archive import pack_tree, unpack_tree
from aimager.namespace import call
from aimager.toolbox import Toolbox
from aimager.workshop import Workshop, environment

_SECRET = ("private-keys-v1.d", "openpgp-revocs.d", "pubring.gpg~", "pubring.kbx~", "random_seed")


@dataclass(frozen=True)
class KeyringBackup:
    """Archive the public part of ``keyring``."""

    keyring: Path
    target: Path
    workshop: Workshop = environment()

    def run(self) -> None:
        """Publish the archive."""
        call(
            _back_up,
            self,
            work=self.workshop.work,
            writable=[self.workshop.cache],
            products=[self.target],
            tmpfs=64 << 20,
        )


def _back_up(stage: KeyringBackup) -> None:
    home = stage.workshop.work / "gnupg"
    with stage.workshop.logging() as log:
        tools = Toolbox(None, log)
        unpack_tree(tools, stage.keyring, home)
        pack_tree(tools, home, stage.target, epoch=0, exclude=_SECRET)
