"""keyring-init: a pacman keyring made from keys that are pinned, by native gpg."""

from dataclasses import dataclass
from pathlib import Path

from aimager.archive import pack_members, pack_tree
from aimager.files import publish
from aimager.locks import locked
from aimager.memory import tmpfs_size
from aimager.model.distro import Keyring
from aimager.model.lock import LockedPackage, read_lock
from aimager.model.workshop import Workshop, environment
from aimager.packages.keyring import key_members, make_keyring
from aimager.packages.keyring_memory import MEMORY, Memory, circumstances, recall, remember
from aimager.packages.pacman import package_files
from aimager.packages.user_key_check import Elsewhere
from aimager.products.stage import all_inputs
from aimager.sandbox.borrowed_root import equip
from aimager.sandbox.namespace import call

_KEYRING = 64 << 20
"""More bytes than a keyring takes."""


@dataclass(frozen=True)
class KeyringInit:
    """Make a keyring of ``keyrings`` from the packages of ``lock``, none of which is run.

    The first of ``targets`` is the keyring with the secret key that certified them, which no other
    has. The second are the keys that it trusts, which follow from the packages, and from what newer
    ones revoked; that these are ``older`` than such must be asked for. ``elsewhere`` are keyrings
    of other platforms of the run, with the locks of their packages: a key that the user names may
    be in one of them instead.
    """

    keyrings: tuple[Keyring, ...]
    lock: Path
    targets: tuple[Path, Path]
    elsewhere: tuple[tuple[tuple[Keyring, ...], Path], ...] = ()
    borrowed: Path | None = environment()
    older: bool = environment()
    workshop: Workshop = environment()

    @property
    def memory(self) -> Path:
        """Where it is remembered which keyrings were used."""
        return self.workshop.cache / MEMORY

    def circumstances(self) -> dict[str, object]:
        """What newer keyrings revoked."""
        if not self.lock.exists():
            return {}
        found = circumstances(recall(self.memory), read_lock(self.lock), self.keyrings)
        return {"newer": found} if found else {}

    def verified(self) -> tuple[LockedPackage, ...]:
        """The packages whose signatures are checked by it."""
        return read_lock(self.lock).packages

    def run(self) -> None:
        """Publish the keyring, and verify with it the packages that it came from.

        :raises TrustError: when the packages' keys are not the pinned ones
        """
        tools = self.borrowed.stat().st_size if self.borrowed else 0
        made = call(
            _make_keyring,
            _Making(self, recall(self.memory)),
            work=self.workshop.work,
            reads=[
                *all_inputs(self),
                *package_files(self._packages(), self.workshop.store),
            ],
            products=self.targets,
            keeps=[self.workshop.log],
            tmpfs=tmpfs_size(_KEYRING + tools, wish=self.workshop.memory),
        )
        with locked(self.memory.with_suffix(".lock")):  # another platform's may end meanwhile
            remember(self.memory, recall(self.memory).merged(made))

    def _packages(self) -> list[LockedPackage]:
        locks = (self.lock, *(lock for _, lock in self.elsewhere))
        return [package for lock in locks for package in read_lock(lock).packages]


@dataclass(frozen=True)
class _Making:
    stage: KeyringInit
    memory: Memory


def _make_keyring(making: _Making) -> Memory:
    stage = making.stage
    lock = read_lock(stage.lock)
    # Not below the work folder: gpg-agent's socket must have a path of at most 108 bytes.
    home = Path("/run/keyring")
    with stage.workshop.logging() as log:
        tools = equip(stage.workshop, stage.borrowed, log)
        elsewhere = [Elsewhere(keyrings, read_lock(path)) for keyrings, path in stage.elsewhere]
        known = (making.memory, stage.older, elsewhere)
        made = make_keyring(tools, home, stage.keyrings, lock, stage.workshop.store, *known)
        keyring, keys = stage.targets
        pack_tree(tools, home, keyring, epoch=lock.epoch, mode=0o600)
        with publish(keys) as temporary:
            temporary.write_bytes(pack_members(key_members(made.trusted), epoch=lock.epoch))
    return made.memory
