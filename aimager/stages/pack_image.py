"""pack-image: root archive, partition images and disk image of an installed system.

Beside them lie the manifest, the SPDX document, the block map and checksums.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from aimager import files, progress
from aimager.codec import fingerprint
from aimager.image.make_images import Images
from aimager.image.make_patched import Patching
from aimager.image.make_products import Wanted, make_products
from aimager.image.manifest import Built
from aimager.image.plain_images import plain_images, why_whole
from aimager.image.sidecars import Facts, write_sidecars
from aimager.image.spdx_license import license_list_version
from aimager.model.architecture import Architecture
from aimager.model.board import Boot
from aimager.model.build import Compression, Product
from aimager.model.distro import ThirdPartyRepository
from aimager.model.image_ids import ImageIds
from aimager.model.lock import Lock, read_lock
from aimager.model.partition import PartitionTable, Role
from aimager.model.settings import HashedPassword, Settings
from aimager.model.workshop import Workshop, environment
from aimager.packages.local_database import read_local_database
from aimager.products.record import RECORD, provenance
from aimager.products.stage import all_inputs
from aimager.sandbox.borrowed_root import equip
from aimager.sandbox.chroot import chroot
from aimager.sandbox.namespace import call
from aimager.sandbox.native_programs import lending
from aimager.sandbox.sums import asked_sums
from aimager.sandbox.tree import Tree
from aimager.stages.former_disk import UNDO, Former, find_former, keep_undo, made_of, plain_id
from aimager.system.added_repositories import add_repositories
from aimager.system.boot import make_bootable
from aimager.system.boot_check import check_boot
from aimager.system.configure import ImageRoot, set_up
from aimager.system.customize import finish
from aimager.system.debug_shell import shell_on_failure
from aimager.system.excess import refuse_excess
from aimager.system.first_boot import prepare_first_boot
from aimager.system.install import foreign_to_host
from aimager.system.laid_system import Room
from aimager.system.logins import find_logins
from aimager.system.normal_initramfs import initramfs_states, normalize_initramfs
from aimager.system.passwords import hash_passwords
from aimager.system.reused_root import read_reused
from aimager.system.space import Space, limits, work_space
from aimager.system.sysprep import remove_identity
from aimager.system.user_keys import lay_user_keys


@dataclass(frozen=True)
class PackImage:
    """Set up the system in ``systems`` and make ``products`` and what lies beside them.

    They are the archive of a root and layers on it (`aimager.system.layers`).
    ``targets`` are all files that become of them (`aimager.model.build.Build.results`), in one
    folder. ``title`` names the system in boot menus and ``vendor`` its packages' namespace in
    package URLs; ``mirror`` is the server to enable in ``mirrorlist``, and ``repositories`` come
    into pacman.conf, beside the distribution's ``own_repositories``. With a ``level`` of the
    architecture, its pacman takes packages for it. ``seed`` varies all ids and salts, and ``epoch``
    is the time stamp in seconds, None the newest build date of all packages.
    ``overlays`` are archives that are unpacked over the root at the end, and ``disk_from`` is an
    image that the disk starts as a copy of. ``reused`` tells what the user's root archive held that
    the system started from, and ``user_keys`` are of packagers whom the image is to trust, too.
    ``license_list`` is the
    version of the list of licences that the SPDX document is made by.
    """

    id: str
    title: str
    vendor: str
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
    root_size: int | None
    products: tuple[Product, ...]
    borrowed: Path | None
    overlays: tuple[Path, ...]
    compressions: tuple[Compression, ...]
    seed: str
    epoch: int | None
    targets: tuple[Path, ...]
    disk_from: Path | None = None
    reused: Path | None = None
    level: str = ""
    user_keys: tuple[str, ...] = ()
    license_list: str = field(default_factory=license_list_version)
    workshop: Workshop = environment()

    def run(self) -> dict[str, str]:
        """Publish the products, and return the SHA-256 of those that were read for it, by name.

        :raises ConfigError: when the system cannot be set up as asked
        :raises ImageError: when it could not boot, or does not fit
        """
        self.out.mkdir(parents=True, exist_ok=True)
        plain = self._plain_id()
        former = find_former(self.workshop, plain) if plain else None
        known = made_of(former, partial(self._call, plain))
        if plain and (self.out / UNDO).exists():
            keep_undo(self.workshop, plain, self.out / UNDO)
        return known

    def _call(self, plain: str, former: Former | None) -> dict[str, str]:
        known: dict[str, str] = {}
        undo = self.out / UNDO if plain else None
        call(
            _pack,
            _Packing(self, plain, undo, former),
            work=self.workshop.work,
            reads=(*self._reads(), *((former.image, former.undo) if former else ())),
            products=(*self.targets, *((undo,) if undo else ())),
            keeps=[self.workshop.log],
            terminal=self.workshop.terminal,
            foreign=foreign_to_host(self.architecture),
            qemu_later=self.borrowed is not None,
            tmpfs=self.space().tmpfs,
            known=known,
        )
        return known

    def space(self) -> Space:
        """Room for the tree, and for what is made of it."""
        return work_space(self.workshop, self.lock, self.borrowed, copies=3, reused=self.reused)

    def _plain_id(self) -> str:
        """What the images are known by that the settings' files are written into; empty: by
        nothing that would tell them from those of other programs."""
        if self.long_way() or not self.borrowed:
            return ""
        given = (*self.systems, self.lock, self.borrowed)
        return plain_id(__name__, given, (self.table, self.root_size, self.epoch))

    def long_way(self) -> str:
        """Why images are made of the tree once it is set up: the settings decide (`why_whole`)."""
        things = (self.overlays, self.disk_from, self.reused)
        names = ("overlay=", "disk-from=", "reuse-root-tar=")
        named = [name for name, given in zip(names, things, strict=True) if given]
        return why_whole(self.table, self.boot, self.setup, self.products, named)

    def remark(self) -> str:
        """What makes the images take longer than settings' files alone do; empty: nothing."""
        has_images = self.table and any(product.is_image for product in self.products)
        whole = self.long_way() if has_images else ""
        return f"images are made whole because {whole}" if whole else ""

    def _reads(self) -> tuple[Path, ...]:
        packages = read_lock(self.lock).packages
        signatures = (p.signature(self.workshop.store) for p in packages if p.is_signed)
        records = (path.with_name(RECORD) for path in (*self.systems, self.lock))
        return (*all_inputs(self), *signatures, *records)

    @property
    def out(self) -> Path:
        """The folder of the results."""
        return self.targets[0].parent

    def images(self, ids: ImageIds) -> Images:
        """The images that are to be made."""
        table = ids.table
        if self.root_size:
            table = table.changed(Role.root, size=self.root_size)
        return Images(
            products=self.products,
            ids=ids,
            table=table,
            boot=self.boot,
            architecture=self.architecture,
            disk_from=self.disk_from,
            out=self.out,
            work=self.workshop.work,
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


@dataclass(frozen=True)
class _Packing:
    """``undo`` is to say how the disk becomes that of ``plain`` images, as ``former`` is one of."""

    stage: PackImage
    plain: str
    undo: Path | None
    former: Former | None


def _pack(packing: _Packing) -> None:
    stage = packing.stage
    lock = read_lock(stage.lock)
    reused = read_reused(stage.reused) if stage.reused else None
    newest = reused.epoch(lock) if reused else lock.epoch
    epoch = newest if stage.epoch is None else stage.epoch
    room = Room(stage.workshop.work / "system", stage.space(), stage.systems)
    with stage.workshop.logging() as log, ExitStack() as opened:
        tools = equip(stage.workshop, stage.borrowed, log)
        room.lay(tools, of="the installed system")
        tree = Tree(room.root)
        installed, ordered = read_local_database(tree), initramfs_states(tree)
        hashed = hash_passwords(tools, stage.setup.passwords, stage.salt_seed(lock))
        ids = ImageIds(stage.id_seed(lock, hashed), stage.table) if stage.table else None
        images = stage.images(ids) if ids else None
        patching = None
        whole = stage.long_way()
        log.write(f"images are made whole: {whole or 'no, changes are written'}\n".encode())
        if images and not whole:
            former = packing.former.read() if packing.former else None
            plain = opened.enter_context(plain_images(images, tools, tree, former, epoch=epoch))
            patching = Patching(images, tools, tree, plain, epoch=epoch, anew=former is None)
        progress.step("setting the system up")
        borrow = stage.workshop.borrow
        with (
            chroot(tree, limits(stage.workshop, lock, reused, room=room.folder)) as bare,
            lending(tools, bare, stage.architecture, lock, borrow=borrow, log=log) as ready,
            shell_on_failure(ready, stage.workshop.terminal),
        ):
            image = ImageRoot(ready, tools, epoch)
            given = _set_up(stage, image, hashed, ids)
        remove_identity(tree, given)
        if image.has_run:  # what it was before could be packed, and was in order
            normalize_initramfs(tree, tools, stage.workshop.work, ordered=ordered)
            refuse_excess(room.root, limits(stage.workshop, lock, reused, room=room.folder))
        growing = stage.table.growing if stage.table else None
        prepare_first_boot(tree, grow=growing.role if growing else None)
        digests = asked_sums()
        wanted = Wanted(stage.products, stage.out, stage.borrowed, epoch)
        mapped = make_products(wanted, tools, tree, images, patching, digests)
        facts = Facts(
            build=Built(stage.id, stage.title, epoch),
            vendor=stage.vendor,
            packages=reused.missing(lock) if reused else lock.packages,
            installed=installed,
            reused=reused.sha256 if reused else "",
            store=stage.workshop.store,
            products=provenance([*stage.systems, stage.lock]),
            mapped=mapped,
            logins=find_logins(tree, epoch),
        )
        write_sidecars(tools, stage.out, stage.products, stage.compressions, facts, digests)
        if patching and packing.undo and Product.disk in stage.products:
            patching.write_undo(packing.undo, packing.plain, digests)


def _set_up(
    stage: PackImage, image: ImageRoot, hashed: Sequence[HashedPassword], ids: ImageIds | None
) -> frozenset[str]:
    """Make the system what the image is to be, and bootable where it has ``ids``.

    Returns the paths of what the user gave it that tells machines apart otherwise.
    """
    tree, mirrorlist = image.tree, stage.mirrorlist
    set_up(image, stage.setup, hashed, mirrorlist=mirrorlist, mirror=stage.mirror)
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
