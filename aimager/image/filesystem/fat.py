"""FAT images with a tree in them, by mkfs.fat(8) and mtools(1), without mounting anything.

They are sparse: what the tree does not fill is never written.
"""

import re
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from aimager.errors import CommandError, ImageError
from aimager.image.filesystem.fat_names import put_back, stand_ins
from aimager.model.partition import FAT_EPOCH, MiB
from aimager.sandbox.tree import Tree, shown
from aimager.toolbox import Toolbox
from aimager.units import mebibytes

_FAT32_LEAST = 36 * MiB
"""FAT32 has at least 65525 clusters; mkfs.fat would take it only from 512 MiB up, but boards'
firmware asks for it."""

_FAT_REFUSED = re.compile(
    r"""[\x00-\x1f"*:<>?\\|\ud800-\udfff\U00010000-\U0010ffff]|[. ]$"""
    r"|^(aux|con|nul|prn|(com|lpt)[1-9])(\.|$)",
    re.IGNORECASE,
)
"""Also what Linux refuses there (namei_vfat.c), and mtools cannot write: all beyond UCS-2. A byte
that is not UTF-8 is a surrogate here (PEP 383)."""
_ELSEWHERE = (
    "a package, overlay= or files= has put it into /boot, which is a FAT file system: leave it out"
)

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
    top = Tree(tree)
    folders = fat_folders(top, size)
    other_letters = stand_ins((*folders, *(path for paths in folders.values() for path in paths)))
    with image.open("wb") as stream:
        stream.truncate(size)
    kind = ["-F", "32"] if size >= _FAT32_LEAST else []
    # --invariant also sets an id, which -i after it replaces.
    argv = ["mkfs.fat", "--invariant", "-i", volume_id, "-n", label.upper(), *kind]
    tools.run([*argv, *arguments, image])
    with tempfile.TemporaryDirectory(prefix=".links.", dir=image.parent) as copies:
        sources = _sources(top, folders, Path(copies), size)
        commands = _mtools_commands(image, sources, folders, other_letters)
        run_mtools(tools, commands, folders_size(top, folders), size, epoch)
    put_back(image, other_letters)


def run_mtools(
    tools: Toolbox, commands: Iterable[Sequence[str | Path]], content: int, size: int, epoch: int
) -> None:
    """Run commands of mtools that put ``content`` bytes of files into a file system of ``size``.

    All times are ``epoch``.

    :raises ImageError: when it is full
    """
    try:
        for command in commands:
            tools.run(command, env=_mtools_environment(epoch))
    except CommandError as error:
        if "full" in error.tail.lower():
            raise _fat_too_small(content, size) from error
        raise


def _mtools_environment(epoch: int) -> Mapping[str, str]:
    return {
        "SOURCE_DATE_EPOCH": str(max(epoch, FAT_EPOCH)),
        "MTOOLS_SKIP_CHECK": "1",  # a size need not be one of whole tracks
        "MTOOLSRC": "/dev/null",
    }


def _mtools_commands(
    image: Path,
    sources: Mapping[str, Path],
    folders: Mapping[str, Sequence[str]],
    letters: Mapping[int, int],
) -> Iterator[list[str | Path]]:
    """What makes ``folders`` and their files, which have no links any more, with other letters."""
    for names in _batches([name.translate(letters).rpartition("/") for name in folders if name]):
        made = [f"{mtools_path(parent)}/{last}" for parent, _, last in names]
        yield ["mmd", "-i", image, *made]
    for name, paths in folders.items():
        folder = mtools_path(name.translate(letters))
        for some in _batches([path for path in paths if _name(path).isascii()]):
            yield ["mcopy", "-Q", "-i", image, *(sources[path] for path in some), folder]
        for path in (path for path in paths if not _name(path).isascii()):
            yield [
                "mcopy",
                "-Q",
                "-i",
                image,
                sources[path],
                f"{folder}/{_name(path).translate(letters)}",
            ]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _sources(
    tree: Tree, folders: Mapping[str, Sequence[str]], copies: Path, size: int
) -> dict[str, Path]:
    """Where each file is read: in the tree, or, of what links lead to, from one of ``copies``."""
    sources = {}
    for number, path in enumerate(path for paths in folders.values() for path in paths):
        status = tree.lstat(path)
        sources[path] = tree.path / path
        if status and stat.S_ISLNK(status.st_mode):
            copy = copies / str(number) / _name(path)
            copy.parent.mkdir()
            copy.write_bytes(tree.read_bytes(path, size))
            sources[path] = copy
    return sources


def mtools_path(name: str) -> str:
    """A path in the image, brackets escaped: mtools takes it for a pattern."""
    return "::/" + re.sub(r"([][])", r"\\\1", name)


def _fat_too_small(total: int, size: int) -> ImageError:
    return ImageError(
        f"the boot file system has {mebibytes(total)} of files, but was given {mebibytes(size)}",
        hint=f"give aimager@boot: in table= more, such as size={mebibytes(2 * total)}, or leave"
        " some of them out of the packages, files= and overlay=",
    )


def _batches(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """``items`` in pieces that fit in a command line."""
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]


def fat_folders(tree: Tree, size: int) -> dict[str, list[str]]:
    """Each folder's path in ``tree`` (its own is empty) and its files.

    :raises ImageError: when they are more than ``size`` bytes, or FAT cannot hold one
    """
    folders: dict[str, list[str]] = {"": []}
    seen: dict[str, str] = {}
    for name, status in sorted(tree.walk(), key=lambda found: found[0].split("/")):
        parent, _, last = name.rpartition("/")
        told = shown(name).removeprefix("/")
        if _FAT_REFUSED.search(last):
            raise ImageError(
                f"the boot file {told} has a name that FAT cannot hold", hint=_ELSEWHERE
            )
        if other := seen.get(name.lower()):
            raise ImageError(
                f"the boot files {other} and {told} have the same name on FAT", hint=_ELSEWHERE
            )
        seen[name.lower()] = name
        if stat.S_ISDIR(status.st_mode):
            folders[name] = []
            continue
        if not tree.is_file(name):
            raise ImageError(
                f"the boot file {told} is a kind of file that FAT cannot hold", hint=_ELSEWHERE
            )
        folders[parent].append(name)
    total = folders_size(tree, folders)
    if total > size:
        raise _fat_too_small(total, size)
    return folders


def folders_size(tree: Tree, folders: Mapping[str, Sequence[str]]) -> int:
    """The bytes of all files of ``folders``."""
    found = (tree.stat(path) for paths in folders.values() for path in paths)
    return sum(status.st_size for status in found if status)
