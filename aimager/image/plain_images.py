"""Images of a system as its packages left it, into which the files of its settings are written.

They are made of its tree, or they are what a disk image was before that was done to it.
"""

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
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
from aimager.sandbox.binding import bind
from aimager.sandbox.settled_tree import settle_names
from aimager.sandbox.syscalls import MNT_DETACH, umount2
from aimager.sandbox.tree import Tree
from aimager.toolbox import Toolbox
from aimager.units import mebibytes

Plain = Mapping[Role, ChangedImage]
"""By the partition that each is for."""

_MUCH = 16 * MiB
"""Bytes of files= for which the room that a system's image has beside it may not do."""
_MANY_LOCALES = 8
"""Each takes up to 3 MB of that room."""

_THREADS = 3
"""What is made at the same time, one of which waits for another first."""

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
    images: Images,
    tools: Toolbox,
    tree: Tree,
    former: FormerDisk | None,
    *,
    epoch: int,
    meanwhile: bool = False,
) -> Iterator[Callable[[], Plain]]:
    """Have the plain images of ``tree``, which has not been set up, with the ids of ``images``.

    They are those of ``former``, if that is there, with other ids. Times after ``epoch``, in
    seconds since 1970, become it. ``meanwhile``, they are made in the block, where nothing may
    change ``tree``, which `has_mount_points`; what is yielded waits for them, but for a root that
    is made in its place on the disk (`ImageInPlace.wait`).

    :raises ImageError: when something does not fit
    """
    with ExitStack() as opened:
        if former:
            progress.step("undoing what a former image was set up to")
            plain = _of_former(images, former, opened)
            yield lambda: plain
            return
        progress.step("images of the system as it was installed")
        parts = {
            partition.role: images.work / f"part-{partition.role}.img"
            for partition in images.table.filled
            if has_files(partition)
        }
        seen = _seen_apart(images, tree, tools) if meanwhile else _taken_apart(images.table, tree)
        trees = opened.enter_context(seen)
        pool = opened.enter_context(ThreadPoolExecutor(_THREADS))
        making = _Making(images, tools, parts, trees, epoch)
        making.start(pool)
        if not meanwhile:
            making.root.result()
            making.others.result()
            opened.pop_all().close()
        yield cache(partial(making.open, opened))


def has_mount_points(table: PartitionTable, tree: Tree) -> bool:
    """Whether ``tree`` has a folder at its top for all that lies on other partitions."""
    points = (partition.role.mount_point for partition in table.filled)
    found = [(point.strip("/"), tree.lstat(point)) for point in points if point and point != "/"]
    return all(
        "/" not in point and status is not None and stat.S_ISDIR(status.st_mode)
        for point, status in found
    )


def has_files(partition: Partition) -> bool:
    """Whether files of the tree lie on it."""
    return partition.file_system is not FileSystem.swap


def _of_former(images: Images, former: FormerDisk, opened: ExitStack) -> Plain:
    stream = opened.enter_context(former.image.open("rb"))
    found = {}
    for partition in filter(has_files, images.table.filled):
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


@contextmanager
def _seen_apart(images: Images, tree: Tree, tools: Toolbox) -> Iterator[dict[Role, Path]]:
    """Have the same trees seen in the block, while ``tree`` stays as it is."""
    top = images.work / "apart"
    trees = {Role.root: top}
    seen = [top, *([tools.borrowed / top.relative_to("/")] if tools.borrowed else [])]
    bind(tree.path, top)
    try:
        for partition in images.table.filled:
            point = (partition.role.mount_point or "").strip("/")
            if point:
                cover = images.work / f"{partition.role}-mount-point"
                cover.mkdir(exist_ok=True)
                cover.chmod(0o755)
                bind(cover, top / point)
                trees[partition.role] = tree.path / point
        for other in seen[1:]:
            bind(top, other)
        yield trees
    finally:
        for path in reversed(seen):
            with suppress(OSError):  # it is not mounted
                umount2(path, MNT_DETACH)


@dataclass
class _Making:
    """Makes the root's image of ``trees`` beside all others, which become ``parts``."""

    images: Images
    tools: Toolbox
    parts: Mapping[Role, Path]
    trees: Mapping[Role, Path]
    epoch: int
    begun: Future[BegunDisk | None] = field(init=False)
    root: Future[None] = field(init=False)
    others: Future[None] = field(init=False)

    def start(self, pool: Executor) -> None:
        wanted = [partition for partition in self.images.table.filled if has_files(partition)]
        root = next(partition for partition in wanted if partition.role is Role.root)
        others = [partition for partition in wanted if partition is not root]
        link = self.parts[Role.root]
        self.begun = pool.submit(begin_for_root, self.images, self.tools, self.trees, link)
        self.root = pool.submit(self._make_root, root)
        self.others = pool.submit(self._make, others)

    def open(self, opened: ExitStack) -> Plain:
        """What was made, as long as it is ``opened``; a root on its disk need not be there yet."""
        self.others.result()
        begun = self.begun.result()
        if not begun:
            self.root.result()
        streams = {role: opened.enter_context(it.open("rb")) for role, it in self.parts.items()}
        plain = {
            role: ChangedImage(stream, Extent(0, os.fstat(stream.fileno()).st_size))
            for role, stream in streams.items()
        }
        if begun:
            plain[Role.root] = ImageInPlace(streams[Role.root], begun.root, self.root)
        return plain

    def _make(self, partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            tree, image = self.trees[partition.role], self.parts[partition.role]
            make_part(self.tools, self.images.ids, partition, tree, image, epoch=self.epoch)

    def _make_root(self, partition: Partition) -> None:
        image, top = self.parts[Role.root], self.trees[Role.root]
        with progress.growing(image.name, image, partial(part_data, partition, top)):
            if begun := self.begun.result():
                begun.make_root(self.images, self.tools, top, image, self.epoch)
            else:
                self._make([partition])
