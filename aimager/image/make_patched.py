"""The images of a build by changed files: plain ones, and what setting the system up changed."""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from fcntl import ioctl
from os import SEEK_DATA, SEEK_HOLE, fstat, lseek, truncate
from pathlib import Path

from aimager import files, progress
from aimager.digests import Sums
from aimager.errors import ImageError
from aimager.image import raw_boot as raw
from aimager.image.bmap import mapped_extents
from aimager.image.changed_image import BLOCK, ChangedImage
from aimager.image.disk_in_place import ImageInPlace
from aimager.image.filesystem.ext4_patch import patch_ext4
from aimager.image.filesystem.fat_patch import patch_fat
from aimager.image.filesystem.used_blocks import extents_in_use
from aimager.image.make_images import Images, begin_disk
from aimager.image.make_partition import make_part
from aimager.image.plain_images import Plain, has_files
from aimager.image.undo import Undo, UndonePart, write_undo
from aimager.model.layout import Extent, disk_size, lay_out
from aimager.model.partition import FileSystem, Partition, Role
from aimager.model.product import Product
from aimager.model.raw_places import check_places
from aimager.sandbox.overlay import OverlayError
from aimager.sandbox.tree import Tree
from aimager.sandbox.tree_changes import Difference, find_changes
from aimager.system.boot import raw_pieces
from aimager.toolbox import Toolbox

_CHUNK = 1 << 20

_MOST_UNDONE = 32 << 20
"""Bytes of blocks that are kept to be written back: more take longer than plain images anew."""

_FICLONERANGE = 0x4020940D  # linux/fs.h
_CLONE = struct.Struct("=qQQQ")
"""What it takes: a file, where and how much of it, and where that goes (ioctl_ficlonerange(2))."""


class Patching:
    """The images of ``tree``, which is to be set up, by what that changes in ``plain`` ones.

    Those may not be there yet, and are waited for. ``since`` tells what it has changed, and raises
    OverlayError where it cannot; an overlay's tree cannot be taken apart. Times after ``epoch``, in
    seconds since 1970, become it. ``anew`` tells that the plain ones were made of the tree.
    """

    def __init__(
        self,
        images: Images,
        tools: Toolbox,
        tree: Tree,
        plain: Callable[[], Plain],
        since: Callable[[], Difference],
        *,
        epoch: int,
        anew: bool,
        is_overlay: bool = False,
    ) -> None:
        self.images = images
        self.tools = tools
        self.tree = tree
        self.parts: dict[Role, ChangedImage] = {}
        self._plain = plain
        self.epoch = epoch
        self.anew = anew
        self.undone: dict[Role, dict[int, bytes]] = {}
        self.placed: dict[Role, Extent] = {}
        filled = images.table.filled
        roles = [partition.role for partition in filled if has_files(partition)]
        self._tops = {role: (role.mount_point or "").strip("/") for role in roles}
        self._kinds = {partition.role: partition.file_system for partition in filled}
        self._since = since
        self._is_overlay = is_overlay
        self._found = Difference({}, {})

    def look(self) -> None:
        """See what was changed in the tree, which is set up.

        :raises OverlayError: when that cannot be told
        """
        self._found = self._since()

    def need_own_tree(self) -> None:
        """:raises OverlayError: when the tree is one that is seen by an overlay"""
        if self._is_overlay:
            raise OverlayError("the images are made whole")

    def make(self, digests: Sums) -> tuple[Extent, ...] | None:
        """Make the products that are images; returns the parts of the disk to be written.

        None: the plain ones cannot take what changed in the tree since it was seen. They and what
        was made of them were removed, so that images are made of the whole tree.

        :raises ImageError: when something does not fit, or a boot loader is missing
        """
        self.parts |= self._plain()
        try:
            return self._make(digests)
        except ImageError as error:
            for image in self.parts.values():
                image.wait()  # whose own error nothing mends
            if not self.anew:
                raise
            progress.say(f"   images are made whole: {error.message}")
        for image in self.parts.values():
            with suppress(FileNotFoundError):  # a disk that was begun, and was removed
                truncate(image.file.name, 0)
            Path(image.file.name).unlink()
        for product in self.images.products:
            if product.is_image and (self.images.out / product).exists():
                truncate(self.images.out / product, 0)
        self.undone.clear()
        return None

    def _make(self, digests: Sums) -> tuple[Extent, ...]:
        images, mapped = self.images, tuple[Extent, ...]()
        with ExitStack() as opened:
            for partition in images.table.filled:
                if partition.role not in self.parts:
                    path = images.work / f"part-{partition.role}.img"
                    make_part(self.tools, images.ids, partition, None, path, epoch=self.epoch)
                    stream = opened.enter_context(path.open("rb"))
                    whole = Extent(0, path.stat().st_size)
                    self.parts[partition.role] = ChangedImage(stream, whole)
            if images.has_disk:
                mapped = self._make_disk(digests)
            for product in images.products:
                if product.role:
                    image, target = self._changed(product.role), images.out / product
                    with progress.growing(product, target), files.publish(target) as temporary:
                        truncate(temporary, image.size)
                        place_image(temporary, Extent(0, image.size), image)
        return mapped

    def _changed(self, role: Role) -> ChangedImage:
        """The image of a partition, with what changed in the tree written into it."""
        image = self.parts[role]
        image.wait()
        if role not in self._tops or role in self.undone:
            return image
        known, top = dict(image.blocks), self._tops[role]
        others = tuple(other for other in self._tops.values() if other and other != top)
        changes = find_changes(self.tree, self._found, top, others)
        tools, work, epoch = self.tools, self.images.work, self.epoch
        if self._kinds[role] is FileSystem.ext4:
            patch_ext4(tools, image, changes, work, label=role, epoch=epoch)
        else:
            patch_fat(tools, image, changes, Tree(self.tree.path / top), work, epoch=epoch)
        self.undone[role] = _replaced(image, known)
        return image

    def write_undo(self, target: Path, plain: str, digests: Sums) -> None:
        """Write to ``target`` how the disk that was made becomes that of the images ``plain``.

        Nothing is written if it was not made of them, if too much was changed or there is no room.
        """
        changed = sum(map(len, self.undone.values())) * BLOCK
        if not self.undone or changed > _MOST_UNDONE:
            return
        disk = self.images.disk
        sha256, status = digests.of(disk), disk.stat()
        parts = {str(r): UndonePart(self.placed[r], tuple(b)) for r, b in self.undone.items()}
        undo = Undo(plain, sha256, status.st_size, status.st_mtime_ns, parts)
        try:
            write_undo(target, undo, {str(role): blocks for role, blocks in self.undone.items()})
        except OSError:
            truncate(target, 0)  # what is empty is not kept

    def _make_disk(self, digests: Sums) -> tuple[Extent, ...]:
        images, table, parts = self.images, self.images.table, self.parts
        target = images.disk
        raws = raw.read_pieces(self.tree, raw_pieces(images.boot))
        extents = lay_out(table, [_size(partition, parts) for partition in table.partitions])
        check_places(table, extents, [piece.place for piece in raws])
        places = zip(table.partitions, extents, strict=True)
        self.placed = placed = {p.role: extent for p, extent in places if p.role in parts}
        whole = disk_size(table, extents)
        with files.publish(target) as temporary:
            self._begin_disk(temporary, extents, raws, whole)
            with (
                images.following(temporary, digests) as digest,
                progress.growing(
                    Product.disk, target, lambda: sum(map(_data_size, parts.values()))
                ),
            ):
                for role, extent in placed.items():
                    # It is summed meanwhile, the empty room of an ESP above all.
                    digest.advance(extent.start)
                    place_image(temporary, extent, self._changed(role), digest.advance)
        used = [
            (placed[p.role], extents_in_use(parts[p.role], p.file_system)) for p in table.filled
        ]
        return mapped_extents(table, used, whole)

    def _begin_disk(
        self, disk: Path, extents: Sequence[Extent], raws: Sequence[raw.Raw], size: int
    ) -> None:
        """Write all of ``disk`` that lies outside partitions."""
        for role, extent in self.placed.items():
            image = self.parts[role]
            if isinstance(image, ImageInPlace):
                image.hand_over(disk, extent)
                raw.write_raw(disk, raws)
                return
        outside = list(self.placed.values())
        begin_disk(self.images, self.tools, disk, extents, outside, raws, size=size)


def _replaced(image: ChangedImage, before: Mapping[int, bytes]) -> dict[int, bytes]:
    """What the blocks of ``image`` held that were changed since it had those of ``before``."""
    changed = [n for n, block in image.blocks.items() if block is not before.get(n)]
    unchanged = ChangedImage(image.file, image.extent, before)
    return {n: unchanged.read(n * BLOCK, BLOCK).ljust(BLOCK, b"\0") for n in sorted(changed)}


def _size(partition: Partition, parts: Plain) -> int:
    part = parts.get(partition.role)
    return part.size if part else partition.size or 0


def _data_size(image: ChangedImage) -> int:
    return min(fstat(image.file.fileno()).st_blocks * 512, image.size)


def place_image(
    disk: Path,
    extent: Extent,
    image: ChangedImage,
    written: Callable[[int], object] = lambda end: None,
) -> None:
    """Write ``image`` to its place on ``disk``, where nothing lies yet; holes stay holes.

    Where the file system can, what did not change shares its blocks with the image's own file. What
    lies in its place already is changed there.
    ``written`` is called now and then with the byte before which no more will be written.
    """
    with disk.open("r+b", buffering=0) as stream:
        is_there = isinstance(image, ImageInPlace) or _share(image, stream.fileno(), extent.start)
        for start, end in _runs(_changed(image)) if is_there else _filled(image):
            for at in range(start, end, _CHUNK):
                stream.seek(extent.start + at)
                stream.write(image.read(at, min(_CHUNK, end - at)))
                if not is_there:
                    written(extent.start + min(at + _CHUNK, end))
    written(extent.end)


def _share(image: ChangedImage, writer: int, at: int) -> bool:
    """Whether the file ``writer`` has at ``at`` the blocks of the image's file now."""
    reader, base = image.file.fileno(), image.extent
    try:
        ioctl(writer, _FICLONERANGE, _CLONE.pack(reader, base.start, base.size, at))
    except OSError:  # another file system, or one that cannot, or parts of blocks
        return False
    return True


def _changed(image: ChangedImage) -> list[tuple[int, int]]:
    return [(n * BLOCK, min((n + 1) * BLOCK, image.size)) for n in image.blocks]


def _filled(image: ChangedImage) -> Iterator[tuple[int, int]]:
    """Where an image may hold more than zeros, from start to end, in order."""
    return _runs([*_data(image), *_changed(image)])


def _runs(pieces: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """``pieces``, from start to end, in order, those that touch as one."""
    begin, end = 0, 0
    for start, after in sorted(pieces):
        if start > end:
            if end > begin:
                yield begin, end
            begin = start
        end = max(end, after)
    if end > begin:
        yield begin, end


def _data(image: ChangedImage) -> Iterator[tuple[int, int]]:
    """Where an image's part of its file has data, not holes (lseek(2))."""
    reader, base = image.file.fileno(), image.extent
    at = base.start
    while at < base.end:
        try:
            start = lseek(reader, at, SEEK_DATA)
        except OSError:  # ENXIO: only a hole is left
            return
        at = min(lseek(reader, start, SEEK_HOLE), base.end)
        if start < base.end:
            yield start - base.start, at - base.start
