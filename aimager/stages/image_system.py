"""The system of an image: laid as its packages left it, and set up as the image is to have it.

`aimager.stages.pack_image` makes images of it, and `aimager.stages.open_shell` shows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aimager import files, progress
from aimager.codec import fingerprint
from aimager.model.architecture import Architecture
from aimager.model.board import Boot
from aimager.model.distro import ThirdPartyRepository
from aimager.model.form import Form
from aimager.model.image_ids import ImageIds
from aimager.model.lock import Lock, read_lock
from aimager.model.partition import PartitionTable
from aimager.model.settings import HashedPassword, Settings
from aimager.model.workshop import Workshop, environment
from aimager.sandbox.borrowed_root import equip
from aimager.sandbox.chroot import chroot
from aimager.sandbox.native_programs import lending
from aimager.sandbox.overlay import Overlay, OverlayError
from aimager.sandbox.privileges import Limits
from aimager.sandbox.tree import Tree
from aimager.system.added_repositories import add_repositories
from aimager.system.boot import make_bootable
from aimager.system.boot_check import check_boot
from aimager.system.configure import ImageRoot, set_up
from aimager.system.credentials import take_credentials
from aimager.system.customize import finish
from aimager.system.debug_shell import shell_on_failure
from aimager.system.excess import refuse_excess
from aimager.system.first_boot import prepare_first_boot
from aimager.system.image_keyring import lay_keyring
from aimager.system.laid_system import Room
from aimager.system.normal_initramfs import initramfs_states, normalize_initramfs
from aimager.system.passwords import hash_passwords
from aimager.system.reused_root import read_reused
from aimager.system.space import Space, limits, work_space
from aimager.system.sysprep import remove_identity
from aimager.system.user_keys import lay_user_keys
from aimager.system.without_boot import prepare_container, prepare_wsl


@dataclass(frozen=True, kw_only=True)
class ImageSystem:
    """The system in ``systems``, the archive of a root and layers on it, and how it is set up.

    ``title`` names the system in boot menus; ``mirror`` is the server to enable in ``mirrorlist``,
    and ``repositories`` come into pacman.conf, beside the distribution's ``own_repositories``. With
    a ``level`` of the architecture, its pacman takes packages for it. ``seed`` varies all ids and
    salts, and ``epoch`` is the time stamp in seconds, None the newest build date of all packages.
    ``overlays`` are archives that are unpacked over the root at the end, and ``disk_from`` is an
    image that the disk starts as a copy of. ``reused`` tells what the user's root archive held that
    the system started from, and ``user_keys`` are of packagers whom the image is to trust, too.
    """

    id: str
    title: str
    architecture: Architecture
    systems: tuple[Path, ...]
    lock: Path
    setup: Settings
    table: PartitionTable | None
    boot: Boot
    mirrorlist: str
    mirror: str
    repositories: tuple[ThirdPartyRepository, ...]
    own_repositories: tuple[tuple[str, str], ...]
    borrowed: Path | None
    overlays: tuple[Path, ...]
    seed: str
    epoch: int | None
    disk_from: Path | None = None
    reused: Path | None = None
    level: str = ""
    user_keys: tuple[str, ...] = ()
    workshop: Workshop = environment()

    @property
    def copies(self) -> int:
        """How often what the tree holds is there at a time, itself included."""
        return 3

    def space(self) -> Space:
        """Room for the tree, and for what is made of it."""
        return work_space(
            self.workshop, self.lock, self.borrowed, copies=self.copies, reused=self.reused
        )

    def salt_seed(self, lock: Lock) -> str:
        """What tells the image from others: everything but its passwords.

        Anybody may know it; salts are derived from it and from the passwords together.
        """
        setup = self.setup.without_secrets()
        given = (*self.overlays, *(path for path in (self.disk_from, self.reused) if path))
        contents = [files.sha256(path) for path in given]
        return fingerprint((self.seed, self.id, setup, contents, self.table, lock.packages))

    def id_seed(self, lock: Lock, hashed: Sequence[HashedPassword]) -> str:
        """What all ids of the image are derived from: two images that differ share none.

        The ids can be read by everybody. They depend on passwords only through their hashes, so
        that a guess is no cheaper to check against them than against /etc/shadow.
        """
        return fingerprint((self.salt_seed(lock), list(hashed)))


class LaidImage:
    """The system of an image in a tree of its own, by a worker's tools, to be set up there.

    ``form`` is what will start it: what no machine starts has no partitions, either.
    """

    def __init__(self, stage: ImageSystem, log: IO[bytes], form: Form = Form.machine) -> None:
        """Lay it as its packages left it."""
        self.stage = stage
        self.form = form
        self.lock = read_lock(stage.lock)
        self.reused = read_reused(stage.reused) if stage.reused else None
        self.newest = self.reused.epoch(self.lock) if self.reused else self.lock.epoch
        self.epoch = self.newest if stage.epoch is None else stage.epoch
        self._room = Room(stage.workshop.work / "system", stage.space(), stage.systems)
        self.tools = equip(stage.workshop, stage.borrowed, log)
        self._room.lay(self.tools, of="the installed system")
        self.tree = Tree(self._room.root)
        self._ordered = initramfs_states(self.tree)
        seed = stage.salt_seed(self.lock)
        self._hashed = hash_passwords(self.tools, stage.setup.passwords, seed)
        ids = stage.id_seed(self.lock, self._hashed)
        table = stage.table if form is Form.machine else None
        self.ids = ImageIds(ids, table) if table else None
        self._log = log
        self.overlay: Overlay | None = None

    def change_aside(self) -> None:
        """From now on see and change it at another place, by an ``overlay``, if there can be one.

        The tree itself then stays as its packages left it, for other images.
        """
        try:
            self.overlay = self._room.overlay()
        except OverlayError as error:
            self._log.write(f"the system is changed itself: {error}\n".encode())
        if self.overlay:
            self.tree = Tree(self.overlay.merged)
            if self.tools.borrowed:
                self.overlay.show(self.tools.borrowed)

    def close(self) -> None:
        """Take away what was changed at another place."""
        if self.overlay:
            self.overlay.remove(self.tools.borrowed)
            self._room.leave()

    def limits(self) -> Limits:
        """What the programs of the image may take."""
        return limits(self.stage.workshop, self.lock, self.reused, room=self._room.folder)

    def set_up(self) -> None:
        """Make it what the image holds.

        :raises ConfigError: when it cannot be set up as asked
        :raises ImageError: when it could not boot
        """
        stage, tree = self.stage, self.tree
        progress.step("setting the system up")
        borrow = stage.workshop.borrow
        with (
            chroot(tree, self.limits()) as bare,
            lending(
                self.tools, bare, stage.architecture, self.lock, borrow=borrow, log=self._log
            ) as ready,
            shell_on_failure(ready, stage.workshop.terminal),
        ):
            image = ImageRoot(ready, self.tools, self.epoch)
            given = _set_up(stage, image, self._hashed, self.ids, self.form)
        remove_identity(tree, given)
        if image.has_run:  # what it was before could be packed, and was in order
            normalize_initramfs(tree, self.tools, stage.workshop.work, ordered=self._ordered)
            refuse_excess(tree.path, self.limits())
        self._prepare_start()

    def _prepare_start(self) -> None:
        """Leave what its first start needs, and nothing that this must not find."""
        stage, tree = self.stage, self.tree
        if self.form.has_first_boot:
            growing = self.ids.table.growing if self.ids else None
            prepare_first_boot(tree, grow=growing.role if growing else None)
            if stage.setup.credentials:
                take_credentials(tree)
            return
        prepare_container(tree)
        lay_keyring(tree, self.tools, newest=self.newest)
        if self.form is Form.wsl:
            users = stage.setup.users
            prepare_wsl(tree, name=stage.id, user=users[0].name if users else "")


def _set_up(
    stage: ImageSystem,
    image: ImageRoot,
    hashed: Sequence[HashedPassword],
    ids: ImageIds | None,
    form: Form,
) -> frozenset[str]:
    """Make the system what the image is to be, and bootable where it has ``ids``.

    Returns the paths of what the user gave it that tells machines apart otherwise.
    """
    tree, mirrorlist = image.tree, stage.mirrorlist
    set_up(image, stage.setup, hashed, mirrorlist=mirrorlist, mirror=stage.mirror, form=form)
    levels = stage.architecture.up_to(stage.level)
    own = dict(stage.own_repositories)
    add_repositories(tree, stage.repositories, own, mirrorlist, levels=levels)
    lay_user_keys(tree, stage.user_keys, stage.repositories)
    if ids:
        make_bootable(
            tree,
            stage.boot,
            ids,
            architecture=stage.architecture,
            words=stage.setup.command_line_of,
            title=stage.title,
        )
    given = finish(image, stage.setup, stage.overlays)
    if ids:
        check_boot(tree, stage.boot, ids, stage.architecture)
    return given
