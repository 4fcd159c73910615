"""Images of file systems that never change, EROFS and SquashFS, with a tree in them."""

from pathlib import Path

from aimager.image.filesystem.usage import BLOCK, too_small
from aimager.model.partition import FileSystem, MiB, Partition
from aimager.toolbox import Toolbox

_EROFS_COMPRESSION = "lz4hc"
_SQUASHFS_COMPRESSION = "zstd"
_EROFS_LABEL = 15


def make_read_only(
    tools: Toolbox,
    partition: Partition,
    tree: Path,
    image: Path,
    *,
    size: int | None,
    uuid: str,
    epoch: int,
) -> None:
    """Write an EROFS or SquashFS that holds ``tree`` to ``image``, as ``partition`` says.

    Owners, modes, hard links, capabilities and, by EROFS, access control lists are kept. Times
    after ``epoch`` become it; SquashFS has no others, and no ``uuid``. ``size`` None is that of
    the content, in whole MiB.

    :raises ImageError: when the content takes more than ``size`` bytes
    """
    image.unlink(missing_ok=True)
    if partition.file_system is FileSystem.erofs:
        _make_erofs(tools, partition, tree, image, uuid=uuid, epoch=epoch)
    else:
        _make_squashfs(tools, partition, tree, image, epoch=epoch)
    taken = image.stat().st_size
    given = size or -(-taken // MiB) * MiB
    if taken > given:
        raise too_small(partition.role, given, taken, taken)
    with image.open("r+b") as stream:
        stream.truncate(given)


def _make_erofs(
    tools: Toolbox, partition: Partition, tree: Path, image: Path, *, uuid: str, epoch: int
) -> None:
    argv: list[str | Path] = ["mkfs.erofs", "--quiet", f"-b{BLOCK}", f"-T{epoch}", "--all-time"]
    argv += [f"-U{uuid}", "-L", partition.role[:_EROFS_LABEL]]
    if partition.compression != "none":
        argv.append(f"-z{partition.compression or _EROFS_COMPRESSION}")
    tools.run([*argv, *partition.arguments, image, tree], env={"SOURCE_DATE_EPOCH": str(epoch)})


def _make_squashfs(
    tools: Toolbox, partition: Partition, tree: Path, image: Path, *, epoch: int
) -> None:
    argv: list[str | Path] = ["mksquashfs", tree, image, "-noappend", "-no-progress", "-quiet"]
    argv += ["-processors", str(tools.cores)]
    argv.append("-exit-on-error")  # else it leaves out what it cannot read, and ends well
    argv += ["-mkfs-time", str(epoch), "-all-time", str(epoch)]
    if partition.compression == "none":
        argv += ["-noI", "-noD", "-noF", "-noX"]
    else:
        argv += ["-comp", partition.compression or _SQUASHFS_COMPRESSION]
    tools.run([*argv, *partition.arguments])
