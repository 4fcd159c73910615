"""Images of file systems with a tree in them, made without mounting anything.

They are sparse: what the tree does not fill is never written.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from aimager.errors import CommandError, ImageError
from aimager.image.filesystem import ext4_size as ext4_space
from aimager.image.filesystem.ext4_attributes import sort_attributes
from aimager.image.filesystem.ext4_times import clamp_times
from aimager.model.partition import FAT_EPOCH, MiB
from aimager.toolbox import Toolbox
from aimager.uuids import derive_uuid

_EXT4_FEATURES = (
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
		features = {_EXT4_FEATURES}
	}}
"""

_FAT32_LEAST = 36 * MiB
"""FAT32 has at least 65525 clusters; mkfs.fat would take it only from 512 MiB up, but boards'
firmware asks for it."""

_FAT_REFUSED = re.compile(
    r"""[\x00-\x1f"*:<>?\\|\U00010000-\U0010ffff]|[. ]$|^(aux|con|nul|prn|(com|lpt)[1-9])(\.|$)""",
    re.IGNORECASE,
)
"""Also what Linux refuses there (namei_vfat.c), and mtools cannot write: all beyond UCS-2."""
_BATCH = 200

_T = TypeVar("_T")


def ext4_size(tree: Path) -> int:
    """The bytes of an ext4 image for ``tree``: an eighth of it and 64 MiB are free; whole MiB."""
    return ext4_space.comfortable_size(ext4_space.usage(tree))


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
) -> None:
    """Write an ext4 file system of ``size`` bytes that holds ``tree`` to ``image``, by mke2fs.

    Owners, modes, hard links, capabilities and access control lists are kept; the top is root's
    with mode 0755. Times after ``epoch`` become it, as do all access and change times. It can
    grow while mounted to 1024 times its size, at most 8 TiB, and further by meta_bg.
    ``size`` None is `ext4_size`. ``label`` has at most 16 bytes. ``arguments`` are more of mke2fs.

    The inode tables are left to the kernel to zero, and the journal is not zeroed at all: both are
    holes of the image, and must be written as zeros to a disk that held something else.

    :raises ImageError: when ``size`` is less than the tree needs
    """
    used = ext4_space.usage(tree)
    given = ext4_space.comfortable_size(used) if size is None else size
    least = ext4_space.smallest_size(used)
    if given < least:
        raise too_small(label, given, least, ext4_space.comfortable_size(used))
    extended = (
        "lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0,hash_seed="
        + derive_uuid(uuid, "hash_seed")
    )
    with image.open("wb") as stream:
        stream.truncate(given)
    with tempfile.NamedTemporaryFile("w", prefix=".mke2fs.conf.", dir=image.parent) as config:
        config.write(_MKE2FS_CONFIG)
        config.flush()
        argv: list[str | Path] = ["mke2fs", "-q", "-F", "-t", "ext4"]
        argv += ["-b", str(ext4_space.BLOCK), "-I", "256", "-m", "1"]
        argv += ["-N", str(ext4_space.inode_count(given, used))]
        if not any("^has_journal" in word for word in arguments):
            argv += ["-J", f"size={ext4_space.journal_size(given) // MiB}"]
        argv += ["-U", uuid, "-L", label, "-E", extended, "-d", tree]
        argv += [*arguments, image]
        tools.run(argv, env=_mke2fs_environment(config.name, epoch))
    sort_attributes(tools, image, epoch)
    clamp_times(tools, image, epoch)


def _mke2fs_environment(config: str, epoch: int) -> Mapping[str, str]:
    return {
        "LC_ALL": "C",  # a directory's entries are sorted by strcoll(3)
        "MKE2FS_CONFIG": config,
        "SOURCE_DATE_EPOCH": str(epoch),  # since 1.47.1
        "E2FSPROGS_FAKE_TIME": str(epoch),
    }


def too_small(label: str, given: int, least: int, comfortable: int) -> ImageError:
    """What is said of a file system that was given less bytes than its content takes."""
    variable = "root-size= or table=" if label == "root" else "table="
    return ImageError(
        f"the {label} file system needs {_mib(least)} and was given {_mib(given)}",
        hint=f"give it more with {variable}, {_mib(comfortable)} say, or leave that out",
    )


def _mib(size: int) -> str:
    return f"{-(-size // MiB)} MiB"


def make_fat(
    tools: Toolbox,
    tree: Path,
    image: Path,
    *,
    size: int,
    volume_id: str,
    label: str,
    epoch: int,
    arguments: Sequence[str] = (),
) -> None:
    """Write a FAT file system of ``size`` bytes with the files of ``tree`` to ``image``.

    It is FAT32 from 36 MiB up. ``volume_id`` is 8 hexadecimal digits, ``label`` at most 11
    characters and made upper-case; all times are ``epoch``. Owners and modes are lost, and a
    symbolic link to a file of the tree becomes a copy of it.

    :raises ImageError: when the tree does not fit, or holds what FAT cannot
    """
    folders = _fat_folders(tree)
    total = sum(path.stat().st_size for paths in folders.values() for path in paths)
    if total > size:
        raise _fat_too_small(total, size)
    with image.open("wb") as stream:
        stream.truncate(size)
    kind = ["-F", "32"] if size >= _FAT32_LEAST else []
    # --invariant also sets an id, which -i after it replaces.
    argv = ["mkfs.fat", "--invariant", "-i", volume_id, "-n", label.upper(), *kind]
    tools.run([*argv, *arguments, image])
    env = {
        "SOURCE_DATE_EPOCH": str(max(epoch, FAT_EPOCH)),
        "MTOOLS_SKIP_CHECK": "1",  # a size need not be one of whole tracks
        "MTOOLSRC": "/dev/null",
    }
    try:
        for names in _batches([name.rpartition("/") for name in folders if name]):
            folders_made = [f"{_mtools_folder(parent)}/{last}" for parent, _, last in names]
            tools.run(["mmd", "-i", image, *folders_made], env=env)
        for name, paths in folders.items():
            for some in _batches(paths):
                tools.run(["mcopy", "-Q", "-i", image, *some, _mtools_folder(name)], env=env)
    except CommandError as error:
        if "full" in error.tail.lower():
            raise _fat_too_small(total, size) from error
        raise


def _mtools_folder(name: str) -> str:
    """A folder's path in the image, brackets escaped: mtools takes it for a pattern."""
    return "::/" + re.sub(r"([][])", r"\\\1", name)


def _fat_too_small(total: int, size: int) -> ImageError:
    return ImageError(
        f"the boot file system has {_mib(total)} of files and was given {_mib(size)}",
        hint="give the board's boot partition more, or install fewer kernels",
    )


def _batches(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """``items`` in pieces that fit in a command line."""
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]


def _fat_folders(tree: Path) -> dict[str, list[Path]]:
    """Each folder's path relative to ``tree`` (its own is empty) and its files, both sorted."""
    folders: dict[str, list[Path]] = {"": []}
    seen: dict[str, str] = {}
    for path in sorted(tree.rglob("*")):
        name = path.relative_to(tree).as_posix()
        if _FAT_REFUSED.search(path.name):
            raise ImageError(f"the boot file {name} has a name that FAT cannot hold")
        if other := seen.get(name.lower()):
            raise ImageError(f"the boot files {other} and {name} are one to FAT")
        seen[name.lower()] = name
        if path.is_dir() and not path.is_symlink():
            folders[name] = []
        elif path.is_file() and path.resolve().is_relative_to(tree.resolve()):
            folders[name.rpartition("/")[0]].append(path)
        else:
            raise ImageError(f"the boot file {name} is of a kind that FAT cannot hold")
    return folders
