"""Images of a system as its packages left it, into which the files of its settings are written.

They are made of its tree, or they are what a disk image was before that was done to it.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aimager import progress
from aimager.image.changed_image import ChangedImage
from aimager.image.disk_in_place import BegunDisk, ImageInPlace, begin_for_root
from aimager.image.filesystem.ext4_ids import change_ids
from aimager.image.filesystem.fat_patch import change_volume_id
from aimager.image.make_images import Images, split
from aimager.image.make_partition import make_part, part_data
from aimager.image.undo import UndonePart
from aimager.model.board import Boot, Bootloader
from aimager.model.layout import Extent
from aimager.model.partition import FileSystem, MiB, Partition, PartitionTable, Role
from aimager.model.product import Product
from aimager.model.settings import Settings
from aimager.sandbox.settled_tree import settle_names
from aimager.sandbox.tree import Tree
from aimager.toolbox import Toolbox
from aimager.units import mebibytes

Plain = Mapping[Role, ChangedImage]
"""By the partition that each is for."""

_MUCH = 16 * MiB
"""Bytes of files= for which the room that a system's image has beside it may not do."""
_MANY_LOCALES = 8
"""Each takes up to 3 MB of that room."""

_KINDS = {FileSystem.ext4, FileSystem.vfat, FileSystem.swap}


@dataclass(frozen=True)
class FormerDisk:
    """A disk image that was made of plain ones, and what is to be undone in it."""

    image: Path
    parts: Mapping[str, UndonePart]
    contents: Mapping[str, Mapping[int, bytes]]


def why_whole(
    table: PartitionTable | None,
    boot: Boot,
    setup: Settings,
    products: Sequence[Product],
    given: Sequence[str],
) -> str:
    """Why images are made of the tree once it is set up, and not changed; empty if they are.

    ``given`` are variables of other things that go into the tree or the disk.
    """
    if table is None or not any(product.is_image for product in products):
        return "no image is asked for"
    if given:
        return f"{given[0]} is given"
    if setup.scripts:
        return "scripts= is given"
    if sum(len(file.text) for file in setup.files) > _MUCH:
        return f"files= adds more than {mebibytes(_MUCH)}"
    if len(setup.locales) > _MANY_LOCALES:
        return f"there are more than {_MANY_LOCALES} locales"
    if Bootloader.syslinux in boot.bootloaders:
        return "syslinux tells its boot sector where its files lie"
    for partition in table.filled:
        if partition.file_system not in _KINDS:
            return f"the {partition.role} partition is {partition.file_system}"
        if partition.arguments:
            return f"mkfs-arg= is given for the {partition.role} partition"
    return ""


@contextmanager
def plain_images(
    images: Images, tools: Toolbox, tree: Tree, former: FormerDisk | None, *, epoch: int
) -> Iterator[Plain]:
    """Have the plain images of ``tree``, which has not been set up, with the ids of ``images``.

    They are those of ``former``, if that is there, with other ids. Times after ``epoch``, in
    seconds since 1970, become it.

    :raises ImageError: when something does not fit
    """
    with ExitStack() as opened:
        if former:
            progress.step("undoing what a former image was set up to")
            yield _of_former(images, former, opened)
            return
        progress.step("images of the system as it was installed")
        table, work = images.table, images.work
        parts = {p.role: work / f"part-{p.role}.img" for p in table.filled if _has_files(p)}
        with _taken_apart(table, tree) as trees:
            begun = _make_parts(images, tools, parts, trees, epoch)
        streams = {role: opened.enter_context(part.open("rb")) for role, part in parts.items()}
        plain = {
            role: ChangedImage(stream, Extent(0, os.fstat(stream.fileno()).st_size))
            for role, stream in streams.items()
        }
        if begun:
            plain[Role.root] = ImageInPlace(streams[Role.root], begun.root)
        yield plain


def lacks_mount_points(table: PartitionTable, tree: Tree) -> bool:
    """Whether plain images of ``tree`` need folders that it does not have."""
    points = (partition.role.mount_point for partition in table.filled)
    return not all(tree.is_dir(point) for point in points if point)


def _has_files(partition: Partition) -> bool:
    return partition.file_system is not FileSystem.swap


def _of_former(images: Images, former: FormerDisk, opened: ExitStack) -> Plain:
    stream = opened.enter_context(former.image.open("rb"))
    found = {}
    for partition in filter(_has_files, images.table.filled):
        role = partition.role
        part = former.parts[role]
        image = ChangedImage(stream, part.extent, former.contents[role])
        if partition.file_system is FileSystem.ext4:
            change_ids(image, images.ids.file_system(role))
        else:
            change_volume_id(image, images.ids.volume(role))
        found[role] = image
    return found


@contextmanager
def _taken_apart(table: PartitionTable, tree: Tree) -> Iterator[dict[Role, Path]]:
    """Have a tree for each partition in the block, and ``tree`` as it was after."""
    with tree.folder("") as top:
        before = os.fstat(top)
        trees = split(table, tree)
        yield trees
        for role, path in trees.items():
            if role is not Role.root and role.mount_point:
                os.rename(path, role.mount_point.strip("/"), dst_dir_fd=top)
        settle_names(tree.path)  # in which those came last
        os.utime(top, ns=(before.st_atime_ns, before.st_mtime_ns))


def _make_parts(
    images: Images,
    tools: Toolbox,
    parts: Mapping[Role, Path],
    trees: Mapping[Role, Path],
    epoch: int,
) -> BegunDisk | None:
    """Make the root's image beside all others; returns the disk in which it lies, if it does."""

    def make(partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            tree, image = trees[partition.role], parts[partition.role]
            make_part(tools, images.ids, partition, tree, image, epoch=epoch)

    wanted = [partition for partition in images.table.filled if partition.role in parts]
    largest = [partition for partition in wanted if partition.role is Role.root]
    others = [partition for partition in wanted if partition.role is not Role.root]
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(make, others)
        root, top = parts[Role.root], trees[Role.root]
        with progress.growing(root.name, root, partial(part_data, largest[0], top)):
            if begun := begin_for_root(images, tools, trees):
                begun.make_root(images, tools, top, root, epoch)
            else:
                make(largest)
        made.result()
    return begun
