"""XFS images with a tree in them, by mkfs.xfs(8), without mounting anything."""

import re
from pathlib import Path

from aimager.errors import CommandError, HostError
from aimager.image.filesystem.usage import BLOCK, too_small, usage
from aimager.model.partition import MiB, Partition
from aimager.toolbox import Toolbox

_LEAST_VERSION = (6, 17)
"""The first that fills a file system from a folder, with extended attributes (``-p DIR``)."""

_HINT = "xfsprogs 6.17 or newer is needed: choose another root-fs=, such as btrfs"

_LEAST_SIZE = 300 * MiB
"""The smallest that mkfs.xfs makes."""


def xfs_size(tree: Path) -> int:
    """The bytes of an XFS image that holds ``tree`` with room to boot; whole MiB."""
    used = usage(tree)
    content = used.blocks * BLOCK + used.inodes * 1024
    return max(-(-(content * 5 // 4 + 192 * MiB) // MiB) * MiB, _LEAST_SIZE)


def make_xfs(
    tools: Toolbox,
    partition: Partition,
    tree: Path,
    image: Path,
    *,
    size: int | None,
    uuid: str,
    epoch: int,
) -> None:
    """Write an XFS of ``size`` bytes that holds ``tree`` to ``image``; None is `xfs_size`.

    Access control lists are lost: mkfs.xfs writes them by a name that the kernel does not know.

    :raises HostError: when xfsprogs are missing or too old
    :raises ImageError: when ``size`` is less than the tree needs
    """
    _check_version(tools)
    comfortable = xfs_size(tree)
    given = size or comfortable
    with image.open("wb") as stream:
        stream.truncate(given)
    argv: list[str | Path] = ["mkfs.xfs", "-q", "-f", "-m", f"uuid={uuid}", "-L", partition.role]
    env = {"SOURCE_DATE_EPOCH": str(epoch), "DETERMINISTIC_SEED": "1"}
    try:
        tools.run([*argv, *partition.arguments, "-p", tree, image], env=env)
    except CommandError as error:
        if "No space left" in error.tail or given < _LEAST_SIZE:
            # mkfs.xfs does not say how much it needs.
            least = _LEAST_SIZE if given < _LEAST_SIZE else comfortable
            raise too_small(partition.role, given, least, comfortable) from error
        raise


def _check_version(tools: Toolbox) -> None:
    try:
        said = tools.run(["mkfs.xfs", "-V"], quiet=True)
    except HostError as error:
        raise HostError(
            "mkfs.xfs is neither in the host platform's repositories nor on the host",
            hint=_HINT,
        ) from error
    version = re.search(r"(\d+)\.(\d+)", said)
    if not version or (int(version[1]), int(version[2])) < _LEAST_VERSION:
        raise HostError(
            f"xfsprogs {version[0] if version else said.strip()} is too old to fill a file system",
            hint=_HINT,
        )
