"""The image of one partition, as its table describes it, made by its file system's program."""

import re
from pathlib import Path

from aimager.errors import CommandError, ConfigError
from aimager.files import tree_size
from aimager.image.filesystem.btrfs import make_btrfs
from aimager.image.filesystem.erofs_squashfs import make_read_only
from aimager.image.filesystem.ext4 import make_ext4
from aimager.image.filesystem.ext4_size import ext4_size
from aimager.image.filesystem.fat import make_fat
from aimager.image.filesystem.swap import make_swap
from aimager.image.filesystem.xfs import make_xfs
from aimager.model.image_ids import ImageIds
from aimager.model.partition import FileSystem, Partition, Role
from aimager.toolbox import Toolbox

_BLOCK, _INODE = 4096, 256
"""The bytes of a block of content, and of what is written for each file beside its content."""


def make_part(
    tools: Toolbox,
    ids: ImageIds,
    partition: Partition,
    tree: Path | None,
    image: Path,
    *,
    epoch: int,
) -> None:
    """Write the file system of ``partition``, with ``tree`` in it, to ``image``.

    :raises ConfigError: when it needs a size and has none, or its maker refuses ``mkfs-arg=``, or
        gives it another id by that
    :raises ImageError: when ``tree`` does not fit
    """
    try:
        _make(tools, ids, partition, tree, image, epoch)
    except CommandError as error:
        if not partition.arguments:
            raise
        raise ConfigError(
            f"{error.argv[0]} fails with mkfs-arg={partition.role}={' '.join(partition.arguments)}",
            hint=_reason(error.tail),
        ) from error
    if partition.arguments and partition.file_system.has_uuid:
        _check_id(tools, partition, image, ids.file_system(partition.role))


def _check_id(tools: Toolbox, partition: Partition, image: Path, wanted: str) -> None:
    """Refuse an image that fstab and the boot entries would not find: arguments may say anything.

    :raises ConfigError: then
    """
    said = tools.run(["blkid", "-p", "-s", "UUID", "-o", "value", image], quiet=True)
    if said.strip() != wanted:
        raise ConfigError(
            f"mkfs-arg={partition.role}={' '.join(partition.arguments)} gives the file system"
            f" another id than {wanted}, by which fstab and the boot loader find it",
            hint="leave its id out of it: seed= makes others",
        )


def _reason(said: str) -> str:
    """The line of a program's last words that says why it failed, which its usage may follow."""
    lines = re.split(r"^usage:", said, maxsplit=1, flags=re.IGNORECASE | re.MULTILINE)[0].split(
        "\n"
    )
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def size_of(partition: Partition, tree: Path | None) -> int | None:
    """The bytes that the image of ``partition`` will have; None: known only once it is made."""
    if partition.size is None and partition.file_system is FileSystem.ext4 and tree:
        return ext4_size(tree)
    return partition.size


def part_data(partition: Partition, tree: Path | None) -> int:
    """About how many bytes of data `make_part` writes; 0: not known beforehand."""
    if tree is None or partition.compression or partition.file_system.is_packed:
        return 0
    return tree_size(tree, block=_BLOCK, each=_INODE)


def _make(
    tools: Toolbox,
    ids: ImageIds,
    partition: Partition,
    tree: Path | None,
    image: Path,
    epoch: int,
) -> None:
    kind, uuid = partition.file_system, ids.file_system(partition.role)
    if kind is FileSystem.swap:
        make_swap(tools, partition, image, size=_given(partition), uuid=uuid)
        return
    assert tree, f"the {partition.role} partition has content"
    if kind is FileSystem.vfat:
        volume = ids.volume(partition.role)
        _make_fat(tools, partition, tree, image, volume_id=volume, epoch=epoch)
        return
    make = _MAKERS.get(kind, _make_ext4)
    make(tools, partition, tree, image, size=partition.size, uuid=uuid, epoch=epoch)


def _make_fat(
    tools: Toolbox, partition: Partition, tree: Path, image: Path, *, volume_id: str, epoch: int
) -> None:
    make_fat(
        tools,
        tree,
        image,
        size=_given(partition),
        volume_id=volume_id,
        label=partition.role.value,
        epoch=epoch,
        arguments=partition.arguments,
    )


def _make_ext4(
    tools: Toolbox,
    partition: Partition,
    tree: Path,
    image: Path,
    *,
    size: int | None,
    uuid: str,
    epoch: int,
) -> None:
    make_ext4(
        tools,
        tree,
        image,
        size=size,
        uuid=uuid,
        label=partition.role.value,
        epoch=epoch,
        arguments=partition.arguments,
    )


_MAKERS = {
    FileSystem.btrfs: make_btrfs,
    FileSystem.xfs: make_xfs,
    FileSystem.erofs: make_read_only,
    FileSystem.squashfs: make_read_only,
}


def _given(partition: Partition) -> int:
    if partition.size is None:
        kind = "swap" if partition.role is Role.swap else "FAT"
        raise ConfigError(
            f"the {partition.role} partition is {kind}, which needs a size",
            hint="give it one in table=, such as size=1GiB",
        )
    return partition.size
