"""Which bytes of a file system's image must reach a card that held something else.

The file system itself is asked, not where the image has holes or zeros: a table of free clusters
is all zeros and has to be written, and what is a hole differs between hosts' file systems.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from aimager.errors import ImageError
from aimager.image.changed_image import ChangedImage
from aimager.image.filesystem.btrfs_blocks import Blocks
from aimager.image.filesystem.ext4_layout import Ext4
from aimager.image.filesystem.fat_geometry import FIRST_CLUSTER, read_geometry
from aimager.model.layout import Extent, gaps
from aimager.model.partition import FileSystem
from aimager.toolbox import Toolbox

_SWAP_HEADER = 4096
_FREE_OF_GROUP = re.compile(r"^  Free blocks: *(.*)$", re.MULTILINE)


def used_extents(tools: Toolbox, image: Path, file_system: FileSystem) -> tuple[Extent, ...]:
    """The parts of ``image`` that its file system does not call free, in order.

    That is all of it for a file system that is not known here.

    :raises ImageError: when the image does not hold that file system
    """
    match file_system:
        case FileSystem.vfat:
            with image.open("rb") as stream:
                return extents_in_use(ChangedImage(stream, _whole(image)), file_system)
        case FileSystem.ext4:
            listing = tools.run(["dumpe2fs", image], quiet=True)
            return gaps(tuple(_ext4_free(listing)), image.stat().st_size)
        case FileSystem.btrfs:
            with image.open("rb") as stream:
                blocks = Blocks(stream)
                return blocks.used(list(blocks.tree_roots()))
        case FileSystem.swap:
            return (Extent(0, min(_SWAP_HEADER, image.stat().st_size)),)
        case _:
            return (Extent(0, image.stat().st_size),)


def _whole(image: Path) -> Extent:
    return Extent(0, image.stat().st_size)


def extents_in_use(image: ChangedImage, file_system: FileSystem) -> tuple[Extent, ...]:
    """The same of an image that was changed, of a kind that
    `aimager.image.plain_images.why_whole` lets through.

    :raises ImageError: when the image does not hold that file system
    """
    match file_system:
        case FileSystem.vfat:
            return (Extent(0, _fat_end(image)),)
        case FileSystem.ext4:
            return tuple(Ext4(image).extents_in_use())
        case _:
            return (Extent(0, min(_SWAP_HEADER, image.size)),)


def _fat_end(image: ChangedImage) -> int:
    """Where the last cluster in use ends."""
    fat = read_geometry(image.name, image.read(0, 512))
    table = image.read(fat.table.start, fat.table.size)
    last = max(
        (number for number, entry in enumerate(fat.entries(table)) if entry),
        default=FIRST_CLUSTER - 1,
    )
    return fat.place(last + 1)


def _ext4_free(listing: str) -> Iterator[Extent]:
    """The free blocks of all groups that dumpe2fs(8) lists, in order."""
    found = re.search(r"^Block size: +(\d+)$", listing, re.MULTILINE)
    if not found:
        raise ImageError(
            "dumpe2fs does not tell the block size",
            hint="tools=host has brought another e2fsprogs than aimager knows: leave it out",
        )
    block = int(found[1])
    for group in _FREE_OF_GROUP.findall(listing):
        for blocks in filter(None, group.split(", ")):
            first, _, last = blocks.partition("-")
            yield Extent(int(first) * block, (int(last or first) - int(first) + 1) * block)
