"""btrfs images with a tree in them, by mkfs.btrfs(8), without mounting anything."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aimager.errors import CommandError, HostError
from aimager.image.filesystem.btrfs_identity import make_repeatable
from aimager.image.filesystem.usage import BLOCK, too_small, usage
from aimager.model.partition import MiB, Partition
from aimager.sandbox.tree import Tree
from aimager.toolbox import Toolbox
from aimager.uuids import derive_uuid

_LEAST_VERSION = (6, 13)
"""The first that keeps hard links, makes subvolumes (6.12) and compresses."""

_NODE = 16384


def btrfs_size(tree: Path) -> int:
    """The bytes of a btrfs image that holds ``tree`` uncompressed with room to boot; whole MiB.

    Metadata lies twice on the device, and room is given out in chunks of which the last of each
    kind is not full.
    """
    used = usage(tree)
    content = used.blocks * BLOCK
    metadata = 2 * (used.inodes * 1024 + content // 512)
    return -(-(content * 5 // 4 + metadata * 5 // 4 + 512 * MiB) // MiB) * MiB


def make_btrfs(
    tools: Toolbox,
    partition: Partition,
    tree: Path,
    image: Path,
    *,
    size: int | None,
    uuid: str,
    epoch: int,
) -> None:
    """Write a btrfs of ``size`` bytes that holds ``tree`` to ``image``.

    The folders that ``partition.subvolumes`` name become subvolumes, the first of them the one
    that is mounted by default. Owners, modes, hard links, and extended attributes are kept. Times
    after ``epoch`` become it, as do all but the mtimes. ``size`` None is `btrfs_size`.

    :raises HostError: when the btrfs-progs at hand are too old
    :raises ImageError: when ``size`` is less than the tree needs
    """
    _check_version(tools)
    comfortable = btrfs_size(tree)
    given = size or comfortable
    with image.open("wb") as stream:
        stream.truncate(given)
    argv: list[str | Path] = ["mkfs.btrfs", "--quiet", "--force", "--nodesize", str(_NODE)]
    argv += ["--csum", "crc32c", "--metadata", "dup", "--data", "single"]
    argv += ["--uuid", uuid, "--device-uuid", derive_uuid(uuid, "device"), "--label"]
    argv += [partition.role.value]
    if partition.compression:
        argv += ["--compress", partition.compression]
    with _arranged(partition, tree) as (top, options):
        least = usage(top).blocks * BLOCK
        try:
            tools.run([*argv, *options, *partition.arguments, "--rootdir", top, image])
        except CommandError as error:
            if "No space left" in error.tail or "too small" in error.tail:
                raise too_small(partition.role, given, least, comfortable) from error
            raise
    taken = image.stat().st_size
    if taken > given:  # mkfs.btrfs grows an image where it needs to
        raise too_small(partition.role, given, taken, max(comfortable, taken))
    make_repeatable(image, uuid=uuid, epoch=epoch)


def _check_version(tools: Toolbox) -> None:
    said = tools.run(["mkfs.btrfs", "--version"], quiet=True)
    found = re.search(r"v(\d+)\.(\d+)", said)
    if not found or (int(found[1]), int(found[2])) < _LEAST_VERSION:
        raise HostError(
            f"btrfs-progs {found[0] if found else said.strip()} is too old to make a root",
            hint="6.13 or newer is needed; without tools=host, such a one is borrowed",
        )


@contextmanager
def _arranged(partition: Partition, tree: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield the folder to make a file system of, and the options for its subvolumes."""
    if not partition.subvolumes:
        yield tree, []
        return
    top = tree.with_name(f"{tree.name}.subvolumes")
    top.mkdir()
    top.chmod(0o755)
    root, *others = partition.subvolumes
    inside = Tree(tree)
    options = ["--subvol", f"default:{root.name}"]
    # What lies deeper is taken out first.
    for subvolume in sorted(others, key=lambda v: v.mount_point.count("/"), reverse=True):
        inside.mkdir(subvolume.mount_point)
        inside.move_out(subvolume.mount_point, top / subvolume.name)
        inside.mkdir(subvolume.mount_point)
        with inside.folder(subvolume.mount_point) as folder:
            shutil.copystat(top / subvolume.name, f"/proc/self/fd/{folder}")
        options += ["--subvol", f"rw:{subvolume.name}"]
    tree.rename(top / root.name)
    try:
        yield top, options
    finally:
        (top / root.name).rename(tree)
        Tree(top.parent).remove(top.name)
