"""ext4 images with a tree in them, by mke2fs(8), without mounting anything.

They are sparse: what the tree does not fill is never written.
"""

import os
import struct
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path

from aimager.image.filesystem.ext4_attributes import sort_attributes
from aimager.image.filesystem.ext4_ids import hash_seed
from aimager.image.filesystem.ext4_size import (
    comfortable_size,
    inode_count,
    journal_size,
    smallest_size,
)
from aimager.image.filesystem.ext4_times import clamp_times
from aimager.image.filesystem.usage import BLOCK, Usage, too_small, usage
from aimager.model.partition import MiB
from aimager.toolbox import Toolbox

_FEATURES = (
    "has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,"
    "large_file,huge_file,dir_nlink,extra_isize,metadata_csum"
)
"""mke2fs's own since 1.43, without those that 1.47.0 added, metadata_csum_seed and orphan_file,
which a boot loader that reads ext4 may not know."""

_MKE2FS_CONFIG = f"""\
[defaults]
	base_features = none
	default_mntopts = acl,user_xattr
	enable_periodic_fsck = 0
[fs_types]
	ext4 = {{
		features = {_FEATURES}
	}}
"""

_END = 16
"""Blocks: of how many mke2fs empties the last ones that are whole, and what follows."""

_FS_IOC_UNRESVSP = 0x40305829  # linux/falloc.h; of all file systems since Linux 5.6
_PART = struct.Struct("=2xh4xqq24x")
"""What it takes: from where a part of a file is counted, its start, and its bytes."""


@dataclass(frozen=True)
class Place:
    """Where in a file, from byte ``start``, an ext4 is made of a tree that takes ``used``."""

    start: int
    used: Usage


def make_ext4(
    tools: Toolbox,
    tree: Path,
    image: Path,
    *,
    size: int | None,
    uuid: str,
    label: str,
    epoch: int,
    arguments: Sequence[str] = (),
    place: Place | None = None,
) -> None:
    """Write an ext4 file system of ``size`` bytes that holds ``tree`` to ``image``, by mke2fs.

    Owners, modes, hard links, capabilities and access control lists are kept; the top is root's
    with mode 0755. Times after ``epoch`` become it, as do all access and change times. It can
    grow while mounted to 1024 times its size, at most 8 TiB, and further by meta_bg.
    ``size`` None is `ext4_size`. ``label`` has at most 16 bytes. mke2fs gets ``arguments``, too.
    With a ``place``, ``image`` is there, and all of it stays that lies outside.

    The inode tables are left to the kernel to zero, and the journal is not zeroed at all: both are
    holes of the image, and must be written as zeros to a disk that held something else.

    :raises ImageError: when ``size`` is less than the tree needs
    """
    used, at = (place.used, place.start) if place else (usage(tree), 0)
    given = comfortable_size(used) if size is None else size
    least = smallest_size(used)
    if given < least:
        raise too_small(label, given, least, comfortable_size(used))
    extended = (
        "lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0,hash_seed="
        + hash_seed(uuid)
    )
    if place:
        extended += f",offset={at}"
    else:
        with image.open("wb") as stream:
            stream.truncate(given)
    with tempfile.NamedTemporaryFile("w", prefix=".mke2fs.conf.", dir=image.parent) as config:
        config.write(_MKE2FS_CONFIG)
        config.flush()
        argv: list[str | Path] = ["mke2fs", "-q", "-F", "-t", "ext4"]
        argv += ["-b", str(BLOCK), "-I", "256", "-m", "1"]
        argv += ["-N", str(inode_count(given, used))]
        if not any("^has_journal" in word for word in arguments):
            argv += ["-J", f"size={journal_size(given) // MiB}"]
        argv += ["-U", uuid, "-L", label, "-E", extended, "-d", tree]
        argv += [*arguments, image, *([str(given // BLOCK)] if place else [])]
        tools.run(argv, env=_mke2fs_environment(config.name, epoch))
    sort_attributes(tools, image, epoch, at=at)
    clamp_times(tools, image, epoch, at=at)
    if place:
        _give_end_back(image, at, given)


def _give_end_back(image: Path, at: int, size: int) -> None:
    """Let the end of the file system be a hole, if nothing is there.

    mke2fs empties it, for a RAID's marks may be there. Where the image is in memory, that leaves a
    hole, but elsewhere blocks of zeros (libext2fs, unix_io.c).
    """
    last = size // BLOCK // _END * _END
    start, end = at + max(last - _END, 0) * BLOCK, at + size // BLOCK * BLOCK
    with image.open("r+b") as stream:
        if any(os.pread(stream.fileno(), end - start, start)):
            return
        with suppress(OSError):  # where it cannot be one, the zeros stay
            ioctl(stream, _FS_IOC_UNRESVSP, _PART.pack(os.SEEK_SET, start, end - start))


def _mke2fs_environment(config: str, epoch: int) -> Mapping[str, str]:
    return {
        "LC_ALL": "C",  # a directory's entries are sorted by strcoll(3)
        "MKE2FS_CONFIG": config,
        "SOURCE_DATE_EPOCH": str(epoch),  # since 1.47.1
        "E2FSPROGS_FAKE_TIME": str(epoch),
    }
