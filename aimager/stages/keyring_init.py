"""keyring-init: a pacman keyring made from keys that are pinned, by native gpg."""

from dataclasses import dataclass
from pathlib import Path

from aimager.archive import pack_tree
from aimager.distro import Keyring
from aimager.keyring import make_keyring
from aimager.lock import read_lock
from aimager.namespace import call
from aimager.toolbox import Toolbox
from aimager.workshop import Workshop, environment


@dataclass(frozen=True)
class KeyringInit:
    """Make a keyring of ``keyrings`` from the packages of ``lock``, none of which is run.

    ``target`` also holds the secret key that certified them.
    """

    keyrings: tuple[Keyring, ...]
    lock: Path
    fetched: Path
    target: Path
    workshop: Workshop = environment()

    def run(self) -> None:
        """Publish the keyring, and verify with it the packages that it came from.

        :raises TrustError: when the packages' keys are not the pinned ones
        """
        call(
            _make_keyring,
            self,
            work=self.workshop.work,
            writable=[self.workshop.cache],
            products=[self.target],
            tmpfs=64 << 20,
        )


def _make_keyring(stage: KeyringInit) -> None:
    lock = read_lock(stage.lock)
    # Not below the work folder: gpg-agent's socket must have a path of at most 108 bytes.
    home = Path("/run/keyring")
    with stage.workshop.logging() as log:
        tools = Toolbox(None, log)
        make_keyring(tools, home, stage.keyrings, lock, stage.workshop.store)
        pack_tree(tools, home, stage.target, epoch=lock.epoch, mode=0o600)
