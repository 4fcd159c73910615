"""The images of a build: of its partitions, and of the disk that has them."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aimager import files, progress
from aimager.digests import Growing, Sums, Unsummed
from aimager.image import disk
from aimager.image import raw_boot as raw
from aimager.image.base_table import check_base, used_size
from aimager.image.bmap import mapped_extents
from aimager.image.disk_from import unpacked
from aimager.image.filesystem.used_blocks import used_extents
from aimager.image.make_partition import make_part, part_data, size_of
from aimager.model.architecture import Architecture
from aimager.model.board import Boot, Bootloader
from aimager.model.image_ids import ImageIds
from aimager.model.layout import Extent, disk_size, gaps, lay_out
from aimager.model.partition import SECTOR, Partition, PartitionTable, Role
from aimager.model.product import Product
from aimager.model.raw_places import check_places
from aimager.sandbox.tree import Tree
from aimager.system.boot import raw_pieces
from aimager.system.bootloader import syslinux
from aimager.toolbox import Toolbox


@dataclass(frozen=True)
class Images:
    """What to make of a tree in ``out``, with room for more in ``work``.

    ``disk_from`` is an image that the disk starts as a copy of.
    """

    products: tuple[Product, ...]
    ids: ImageIds
    table: PartitionTable
    boot: Boot
    architecture: Architecture
    disk_from: Path | None
    out: Path
    work: Path

    @property
    def has_disk(self) -> bool:
        """Whether the disk is made, be it as a step to another form of it."""
        return bool({Product.disk, Product.qcow2} & {*self.products})

    @property
    def disk(self) -> Path:
        """The disk's image: among the products if it is one."""
        return (self.out if Product.disk in self.products else self.work) / Product.disk

    def following(self, path: Path, digests: Sums) -> AbstractContextManager[Growing]:
        """Have the disk summed, if it is a product, while it is written as ``path``."""
        if Product.disk in self.products:
            return digests.following(path, self.disk)
        return nullcontext(Unsummed())


def make_images(
    images: Images, tools: Toolbox, tree: Tree, digests: Sums, *, epoch: int
) -> tuple[Extent, ...]:
    """Make the products that are images; returns the parts of the disk that have to be written.

    ``tree`` is taken apart for it. Times after ``epoch``, in seconds since 1970, become
    it.

    :raises ImageError: when something does not fit, or a boot loader is missing
    """
    if not any(product.is_image for product in images.products):
        return ()
    return _Maker(images, tools, tree, digests, epoch).make()


class _Maker:
    """Makes the images of one tree.

    The last partition is the root's, whose image takes the longest. If its size is known
    beforehand, it is made while the checksum of all that lies before it on the disk is computed.
    """

    def __init__(
        self, images: Images, tools: Toolbox, tree: Tree, digests: Sums, epoch: int
    ) -> None:
        self.images = images
        self.tools = tools
        self.tree = tree
        self.digests = digests
        self.epoch = epoch
        self.raws = raw.read_pieces(tree, raw_pieces(images.boot))
        self.trees = split(images.table, tree)
        self.parts = {p.role: images.work / f"part-{p.role}.img" for p in images.table.filled}

    def make(self) -> tuple[Extent, ...]:
        """Make all images; returns the parts of the disk that have to be written."""
        products = self.images.products
        *first, last = self.images.table.filled
        given = self.images.disk_from if self.images.has_disk else None
        with unpacked(given, self.images.work) as base:
            if self.images.has_disk:
                self._check_room(base)
            for partition in first:
                self._make_part(partition)
            if self.images.has_disk:
                mapped = self._make_disk(last, base)
            else:
                self._make_part(last)
                mapped = ()
        for product in products:
            if product.role:
                target = self.images.out / product
                part = self.parts[product.role]
                size = partial(files.data_size, part)
                with progress.growing(product, target, size), files.publish(target) as temporary:
                    files.copy_sparse(part, temporary)
        return mapped

    def _check_room(self, base: Path | None) -> None:
        """See that the boot loaders, those of ``base`` too, have room where nothing else is.

        That is as far as the partitions' sizes are known by now.
        """
        partitions = self.images.table.partitions
        self._lay_out([size_of(p, self.trees.get(p.role)) or SECTOR for p in partitions], base)

    def _lay_out(self, sizes: Sequence[int], base: Path | None) -> tuple[Extent, ...]:
        """Where partitions of ``sizes`` bytes lie, which leave all boot loaders whole."""
        table = self.images.table
        extents = lay_out(table, sizes)
        check_places(table, extents, [piece.place for piece in self.raws])
        if base:
            places = zip(table.partitions, extents, strict=True)
            filled = [e for p, e in places if p in table.filled]
            check_base(self.tools, base, table, filled, self.images.work)
        return extents

    def _make_part(self, partition: Partition) -> None:
        role, image = partition.role, self.parts[partition.role]
        tree = self.trees.get(role)
        with progress.growing(image.name, image, partial(part_data, partition, tree)):
            make_part(self.tools, self.images.ids, partition, tree, image, epoch=self.epoch)
        if role is Role.boot and Bootloader.syslinux in self.images.boot.bootloaders:
            syslinux.install_to_partition(self.tree, image, epoch=self.epoch, log=self.tools.log)

    def _make_disk(self, last: Partition, base: Path | None) -> tuple[Extent, ...]:
        """Make the images of the disk and of its last partition, once the others are made."""
        table, target = self.images.table, self.images.disk
        size = size_of(last, self.trees.get(last.role))
        if size is None:
            self._make_part(last)
            size = self.parts[last.role].stat().st_size
        extents = self._lay_out([self._size(p, last, size) for p in table.partitions], base)
        placed = {
            partition.role: extent
            for partition, extent in zip(table.partitions, extents, strict=True)
            if partition.role in self.parts
        }
        given = base.stat().st_size if base else 0
        with files.publish(target) as temporary:
            before = Extent(0, used_size(base) if base else 0)
            whole = disk_size(table, [*extents, before])
            begin_disk(
                self.images,
                self.tools,
                temporary,
                extents,
                list(placed.values()),
                self.raws,
                size=whole,
                base=base,
            )
            with self.images.following(temporary, self.digests) as digest:
                self._place_parts(temporary, placed, last, digest)
        used = [
            (placed[p.role], used_extents(self.tools, self.parts[p.role], p.file_system))
            for p in table.filled
        ]
        kept = gaps([extent for extent, _ in used], given)
        return mapped_extents(table, used, whole, kept=kept)

    def _size(self, partition: Partition, last: Partition, size_of_last: int) -> int:
        if partition is last:
            return size_of_last
        part = self.parts.get(partition.role)
        return part.stat().st_size if part else partition.size or 0

    def _place_parts(
        self, image: Path, placed: Mapping[Role, Extent], last: Partition, digest: Growing
    ) -> None:
        """Write the partitions' content; the last image is made now unless it has been."""
        for role, extent in placed.items():
            if role is not last.role:
                disk.place_part(image, extent, self.parts[role])
        digest.advance(placed[last.role].start)
        if not self.parts[last.role].exists():
            self._make_part(last)
        copied = sum(files.data_size(part) for part in self.parts.values())
        whole = 0 if self.images.disk_from else copied
        with progress.growing(Product.disk, self.images.disk, lambda: whole):
            disk.place_part(image, placed[last.role], self.parts[last.role], digest.advance)


def begin_disk(
    images: Images,
    tools: Toolbox,
    image: Path,
    extents: Sequence[Extent],
    placed: Sequence[Extent],
    raws: Sequence[raw.Raw],
    *,
    size: int,
    base: Path | None = None,
) -> None:
    """Write to ``image`` all of a disk of ``size`` bytes that lies outside ``placed``.

    These are its table, ``raws``, and what ``base`` has there.
    """
    ids = images.ids
    script = disk.sfdisk_script(
        images.table,
        extents,
        size=size,
        disk_id=ids.disk,
        partition_uuids=ids.partitions,
        architecture=images.architecture,
    )
    disk.begin_disk(tools, image, script, placed, size=size, base=base)
    raw.write_raw(image, raws)


def split(table: PartitionTable, tree: Tree) -> dict[Role, Path]:
    """Move what lies on other partitions out of ``tree``, and leave their mount points."""
    trees = {Role.root: tree.path}
    for partition in table.filled:
        if partition.role is Role.root or not partition.role.mount_point:
            continue
        mount_point = partition.role.mount_point
        tree.mkdir(mount_point)
        trees[partition.role] = tree.path.with_name(f"{partition.role}-tree")
        tree.move_out(mount_point, trees[partition.role])
        tree.mkdir(mount_point)
    return trees
