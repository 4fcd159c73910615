"""FAT images with a tree in them, by mkfs.fat(8) and mtools(1), without mounting anything.

They are sparse: what the tree does not fill is never written.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from aimager.errors import CommandError, ImageError
from aimager.model.partition import FAT_EPOCH, MiB
from aimager.toolbox import Toolbox
from aimager.units import mebibytes

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
        f"the boot file system has {mebibytes(total)} of files, but was given {mebibytes(size)}",
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
            raise ImageError(f"the boot files {other} and {name} have the same name on FAT")
        seen[name.lower()] = name
        if path.is_dir() and not path.is_symlink():
            folders[name] = []
        elif path.is_file() and path.resolve().is_relative_to(tree.resolve()):
            folders[name.rpartition("/")[0]].append(path)
        else:
            raise ImageError(f"the boot file {name} is a kind of file that FAT cannot hold")
    return folders
