"""A disk image that begins with its partition table, and in which the root's ext4 is made in place.

Nothing has to be copied there, for where it lies is known once its size is, which its tree tells.
"""

import os
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aimager.errors import ConfigError, ImageError
from aimager.image.changed_image import BLOCK, ChangedImage
from aimager.image.filesystem.ext4 import Place, make_ext4
from aimager.image.filesystem.ext4_size import comfortable_size
from aimager.image.filesystem.usage import usage
from aimager.image.make_images import Images, begin_disk
from aimager.image.make_partition import size_of
from aimager.model.layout import Extent, disk_size, lay_out
from aimager.model.partition import FileSystem, Role
from aimager.toolbox import Toolbox


class ImageInPlace(ChangedImage):
    """The image of a partition that is being made where it is to be on the disk, which is begun.

    It is there once ``made`` is done.
    """

    def __init__(self, file: IO[bytes], extent: Extent, made: Future[None]) -> None:
        super().__init__(file, extent)
        self._made = made

    def wait(self) -> None:
        """Wait until it is there.

        :raises ImageError: when what it is made of does not fit
        """
        self._made.result()

    def hand_over(self, disk: Path, extent: Extent) -> None:
        """Let the disk that was begun be ``disk``, where the partition is to lie in ``extent``.

        :raises ImageError: when it lies elsewhere
        """
        if extent != self.extent:
            raise ImageError(
                f"{self.name} is larger or smaller than was known before",
                hint="build again; if that does not help, give the partition a size in table=",
            )
        if not os.path.samestat(os.fstat(self.file.fileno()), disk.stat()):
            self.wait()
            Path(self.file.name).resolve().replace(disk)


@dataclass(frozen=True)
class BegunDisk:
    """A disk's ``file`` that has its partition table, and where the root is to be in it."""

    file: Path
    root: Extent
    place: Place

    def make_root(self, images: Images, tools: Toolbox, tree: Path, link: Path, epoch: int) -> None:
        """Make the root's ext4 of ``tree``, by a ``link`` to the file, as `make_part` would.

        Times after ``epoch``, in seconds since 1970, become it.

        :raises ImageError: when ``tree`` does not fit
        """
        make_ext4(
            tools,
            tree,
            link,
            size=self.root.size,
            uuid=images.ids.file_system(Role.root),
            label=Role.root.value,
            epoch=epoch,
            place=self.place,
        )


def begin_for_root(
    images: Images, tools: Toolbox, trees: Mapping[Role, Path], link: Path
) -> BegunDisk | None:
    """Begin the disk of ``images``, with what ``trees`` hold, so that its root is made in place.

    It is where ``link``, which is made, leads to.

    None: it has to be made elsewhere, as an image of its own is asked for, it is no ext4, or its
    place is not in whole blocks, or in none.
    """
    table = images.table
    root = next(partition for partition in table.filled if partition.role is Role.root)
    asked = {product.role for product in images.products}
    is_plain = root.file_system is FileSystem.ext4 and not root.arguments
    if not images.has_disk or Role.root in asked or not is_plain:
        return None
    used = usage(trees[Role.root])
    given = root.size or comfortable_size(used)
    sizes = [
        given if partition is root else size_of(partition, trees.get(partition.role)) or 0
        for partition in table.partitions
    ]
    try:
        extents = lay_out(table, sizes)
    except ConfigError:  # which is raised again, once the system is set up
        return None
    place = extents[table.partitions.index(root)]
    if place.start % BLOCK:
        return None
    file = images.disk if os.path.ismount(images.disk) else images.work / "begun.img"
    begin_disk(images, tools, file, extents, (), (), size=disk_size(table, extents))
    link.unlink(missing_ok=True)
    link.symlink_to(file)
    return BegunDisk(file, place, Place(place.start, used))
