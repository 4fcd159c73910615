"""pack-image: root archive, partition images and disk image of an installed system."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from aimager import disk, files
from aimager.architecture import Architecture
from aimager.archive import pack_tree, unpack_tree
from aimager.board import Bootloader
from aimager.bootloader import systemd_boot
from aimager.borrow import open_toolbox
from aimager.build import Product
from aimager.codec import fingerprint
from aimager.errors import ConfigError
from aimager.filesystems import ext4_size, make_ext4, make_fat
from aimager.first_boot import prepare_first_boot
from aimager.fstab import Entry, fstab_text
from aimager.identifiers import derive_uuid, derive_volume_id, fat_uuid
from aimager.identity import remove_identity
from aimager.kernels import find_kernels
from aimager.lock import read_lock
from aimager.namespace import call
from aimager.partition import FileSystem, Label, Partition, PartitionTable, Role
from aimager.rootfs import chroot_mounts
from aimager.setup import Setup
from aimager.system import foreign_to_host, work_size
from aimager.system_setup import ImageRoot, set_up
from aimager.toolbox import Toolbox
from aimager.workshop import Workshop, environment

_MOUNT_POINTS = {Role.root: "/", Role.boot: "/boot"}


@dataclass(frozen=True)
class PackImage:
    """Set up the system in ``system`` and make ``products``, whose files are ``targets``.

    ``title`` names it in boot menus, ``mirror`` is the server to enable in ``mirrorlist``.
    """

    id: str
    title: str
    architecture: Architecture
    system: Path
    lock: Path
    setup: Setup
    table: PartitionTable | None
    bootloader: Bootloader | None
    mirrorlist: str
    mirror: str
    root_size: int | None
    products: tuple[Product, ...]
    targets: tuple[Path, ...]
    borrowed: Path | None = environment()
    workshop: Workshop = environment()

    def run(self) -> None:
        """Publish the products.

        :raises ConfigError: when the system cannot be set up as asked
        :raises ImageError: when it cannot be booted, or does not fit
        """
        out = self.targets[0].parent
        out.mkdir(parents=True, exist_ok=True)
        call(
            _pack,
            self,
            work=self.workshop.work,
            writable=[self.workshop.cache, out],
            products=self.targets,
            foreign=foreign_to_host(self.architecture),
            tmpfs=work_size(self.lock, self.borrowed, copies=3),
        )

    @property
    def seed(self) -> str:
        """What all ids of the image are derived from: two images that differ share none."""
        return fingerprint((self.id, self.setup, self.table, read_lock(self.lock).packages))

    def uuid(self, role: Role) -> str:
        """The UUID of a partition's file system, as blkid(8) prints it."""
        partition = self.table.with_role(role) if self.table else None
        if partition and partition.file_system is FileSystem.vfat:
            return fat_uuid(self.volume_id(role))
        return derive_uuid(self.seed, f"{role} file system")

    def volume_id(self, role: Role) -> str:
        """The serial number of a FAT partition."""
        return derive_volume_id(self.seed, f"{role} file system")


def _pack(stage: PackImage) -> None:
    work = stage.workshop.work
    epoch = read_lock(stage.lock).epoch
    root = work / "root"
    with stage.workshop.logging() as log:
        folders = [stage.workshop.cache, stage.targets[0].parent]
        tools = open_toolbox(stage.borrowed, work, folders, log)
        unpack_tree(tools, stage.system, root)
        with chroot_mounts(root):
            image = ImageRoot(root, tools, epoch)
            set_up(
                image,
                stage.setup,
                mirrorlist=stage.mirrorlist,
                mirror=stage.mirror,
                seed=stage.seed,
            )
        _make_bootable(stage, root)
        remove_identity(root)
        prepare_first_boot(root, grow=stage.table is not None)
        _make_products(stage, tools, root, epoch)


def _make_bootable(stage: PackImage, root: Path) -> None:
    """Write fstab and the boot loader, so that the root and its kernels are found."""
    if stage.table is None:
        return
    entries = [
        Entry(stage.uuid(p.role), _MOUNT_POINTS[p.role], p.file_system)
        for p in sorted(stage.table.partitions, key=lambda p: _MOUNT_POINTS[p.role])
    ]
    (root / "etc/fstab").write_text(fstab_text(entries))
    words = (f"root=UUID={stage.uuid(Role.root)}", "rw", *stage.setup.command_line)
    if stage.bootloader is Bootloader.systemd_boot:
        systemd_boot.install(
            root,
            root / "boot",
            stage.architecture,
            find_kernels(root),
            command_line=lambda _: " ".join(words),
            title=stage.title,
        )


def _make_products(stage: PackImage, tools: Toolbox, root: Path, epoch: int) -> None:
    wanted = dict(zip(stage.products, stage.targets, strict=True))
    if Product.root_tar in wanted:
        pack_tree(tools, root, wanted[Product.root_tar], epoch=epoch)
    if stage.table is None or not wanted.keys() - {Product.root_tar}:
        return
    trees = _split(stage.table, root, stage.workshop.work)
    parts = {}
    for partition in stage.table.partitions:
        parts[partition.role] = _make_part(
            stage, tools, partition, trees[partition.role], stage.workshop.work, epoch
        )
        shutil.rmtree(trees[partition.role])
    for product, target in wanted.items():
        if product.role:
            with files.publish(target) as temporary:
                files.copy_sparse(parts[product.role], temporary)
        elif product is Product.disk:
            _make_disk(stage, tools, stage.table, parts, target)


def _split(table: PartitionTable, root: Path, work: Path) -> dict[Role, Path]:
    """Take out of ``root`` what lies on partitions of its own, and leave their mount points."""
    trees = {Role.root: root}
    for partition in table.partitions:
        if partition.role is not Role.root:
            mount_point = root / _MOUNT_POINTS[partition.role].lstrip("/")
            trees[partition.role] = work / f"{partition.role}-tree"
            mount_point.rename(trees[partition.role])
            mount_point.mkdir()
            mount_point.chmod(0o755)
    return trees


def _make_part(
    stage: PackImage, tools: Toolbox, partition: Partition, tree: Path, work: Path, epoch: int
) -> Path:
    image = work / f"part-{partition.role}.img"
    size = partition.size
    if partition.role is Role.root:
        size = stage.root_size or size
    if partition.file_system is FileSystem.vfat:
        if size is None:
            raise ConfigError(f"the {partition.role} partition needs a size, for it is FAT")
        make_fat(
            tools,
            tree,
            image,
            size=size,
            volume_id=stage.volume_id(partition.role),
            label=partition.role.value,
            epoch=epoch,
        )
    else:
        make_ext4(
            tools,
            tree,
            image,
            size=size or ext4_size(tree),
            uuid=stage.uuid(partition.role),
            label=partition.role.value,
            epoch=epoch,
        )
    return image


def _make_disk(
    stage: PackImage,
    tools: Toolbox,
    table: PartitionTable,
    parts: dict[Role, Path],
    target: Path,
) -> None:
    images = [parts[partition.role] for partition in table.partitions]
    extents = disk.lay_out(table, [image.stat().st_size for image in images])
    gpt = table.label is Label.gpt
    script = disk.sfdisk_script(
        table,
        extents,
        disk_id=derive_uuid(stage.seed, "disk") if gpt else derive_volume_id(stage.seed, "disk"),
        partition_uuids=[derive_uuid(stage.seed, f"{p.role} partition") for p in table.partitions],
        architecture=stage.architecture,
    )
    with files.publish(target) as temporary:
        disk.make_disk(
            tools,
            temporary,
            script,
            list(zip(extents, images, strict=True)),
            size=disk.disk_size(table, extents),
        )
