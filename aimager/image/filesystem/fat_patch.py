"""Changed files, and another serial number, in a FAT image that is made already.

mtools(1) works on a copy of all that is not a file's content, in a sparse file; what that becomes,
and what is written to clusters that were free, is then taken over.
"""

import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from aimager.image.changed_image import ChangedImage
from aimager.image.filesystem.fat import fat_folders, folders_size, mtools_path, run_mtools
from aimager.image.filesystem.fat_geometry import read_geometry
from aimager.image.filesystem.fat_names import FatFolders, put_back, stand_ins
from aimager.model.layout import Extent
from aimager.sandbox.tree import Tree
from aimager.sandbox.tree_changes import Changes
from aimager.toolbox import Toolbox

_SERIAL, _SERIAL_32 = 39, 67
_COPY_32 = 50
"""Where a boot sector has its file system's serial number, and of FAT32 the sector of its copy
("Boot Sector and BPB")."""

_SECTOR = 512


def change_volume_id(image: ChangedImage, volume_id: str) -> None:
    """Let ``image`` be as mkfs.fat makes it with ``volume_id``, 8 hexadecimal digits.

    :raises ImageError: when it does not hold a FAT file system
    """
    serial = int(volume_id, 16).to_bytes(4, "little")
    sector = image.read(0, _SECTOR)
    if read_geometry(image.name, sector).bits != 32:
        image.write(_SERIAL, serial)
        return
    copy = int.from_bytes(sector[_COPY_32 : _COPY_32 + 2], "little")
    for number in {0, copy}:
        image.write(number * _SECTOR + _SERIAL_32, serial)


def patch_fat(
    tools: Toolbox, image: ChangedImage, changes: Changes, top: Tree, work: Path, *, epoch: int
) -> None:
    """Let ``image``, a FAT of what was there before ``changes``, hold what is in ``top`` now.

    All times are ``epoch``. What links of ``top`` lead to is always written anew.

    :raises ImageError: when it does not fit, or FAT cannot hold it
    """
    folders = fat_folders(top, image.size)
    with tempfile.TemporaryDirectory(prefix=".patch.", dir=work) as folder:
        scratch = Path(folder) / "metadata"
        with scratch.open("wb") as stream:
            stream.truncate(image.size)
            for extent in _metadata(image):
                stream.seek(extent.start)
                stream.write(image.read(extent.start, extent.size))
        content = folders_size(top, folders)
        removed = dict(changes.removed)
        links = {name for name, seen in changes.made if _is_link(seen.mode)}
        links |= {name for paths in folders.values() for name in paths if _is_old_link(top, name)}
        run_mtools(tools, _removals(scratch, changes, links - removed.keys()), 0, 0, epoch)
        with scratch.open("rb") as stream:
            changed = ChangedImage(stream, Extent(0, image.size))
            before = FatFolders(changed)
            names = {name: seen.is_folder for name, seen in changes.made}
            names |= dict.fromkeys(links, False)
            letters = stand_ins(names)
            additions = _additions(scratch, top, names, letters, Path(folder))
            run_mtools(tools, additions, content, image.size, epoch)
            put_back(scratch, letters)
            written = list(newly_used(before, FatFolders(changed)))
            image.take(changed, [*_metadata(changed), *written])


def _is_link(mode: int) -> bool:
    return stat.S_ISLNK(mode)


def _is_old_link(top: Tree, name: str) -> bool:
    status = top.lstat(name)
    return status is not None and _is_link(status.st_mode)


def _metadata(image: ChangedImage) -> list[Extent]:
    """All that is not a file's content."""
    folders = FatFolders(image)
    parts = [Extent(place, len(content)) for place, content in folders.parts()]
    return [Extent(0, folders.fat.data), *parts]


def newly_used(before: FatFolders, after: FatFolders) -> Iterator[Extent]:
    """The clusters that were free ``before``, and are not ``after``."""
    had, has = (list(folders.fat.entries(folders.table)) for folders in (before, after))
    had += [0] * (len(has) - len(had))
    for number, (old, new) in enumerate(zip(had, has, strict=False)):
        if new and not old:
            yield Extent(after.fat.place(number), after.fat.cluster)


def _removals(scratch: Path, changes: Changes, links: set[str]) -> Iterator[list[str | Path]]:
    for name, seen in changes.removed:
        yield ["mrd" if seen.is_folder else "mdel", "-i", scratch, mtools_path(name)]
    for name in sorted(links):
        yield ["mdel", "-i", scratch, mtools_path(name)]


def _additions(
    scratch: Path, top: Tree, names: dict[str, bool], letters: Mapping[int, int], work: Path
) -> Iterator[list[str | Path]]:
    """``names`` are of what is to be made, and whether it is a folder."""
    for number, name in enumerate(sorted(names, key=lambda name: name.split("/"))):
        parent, _, last = name.rpartition("/")
        folder, told = mtools_path(parent.translate(letters)), last.translate(letters)
        if names[name]:
            yield ["mmd", "-i", scratch, f"{folder}/{told}"]
            continue
        copy = work / str(number) / (last if last.isascii() else "copy")
        copy.parent.mkdir()
        with top.open(name) as source, copy.open("wb") as stream:
            shutil.copyfileobj(source, stream)
        # What is named as the target may not have brackets.
        target = folder if last.isascii() else f"{folder}/{told}"
        yield ["mcopy", "-Q", "-i", scratch, copy, target]
