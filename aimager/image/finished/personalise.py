"""What is to be written to a finished image, so that it is set up otherwise, and has its own ids.

The image is only read here: what is to change is written to a file of its own.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aimager.codec import fingerprint
from aimager.errors import ImageError
from aimager.image.changed_image import BLOCK, ChangedImage
from aimager.image.filesystem.ext4_layout import Ext4, runs
from aimager.image.filesystem.ext4_patch import patch_ext4
from aimager.image.filesystem.fat_names import FatFolders
from aimager.image.filesystem.fat_patch import newly_used, patch_fat
from aimager.image.filesystem.used_blocks import extents_in_use
from aimager.image.finished.disk import FinishedDisk, read_disk
from aimager.image.finished.fat_files import FatFiles
from aimager.image.finished.new_ids import NewIds, change_all_ids, derive_ids, rename_ids, with_ids
from aimager.image.finished.partial_tree import PartialTree
from aimager.model.layout import Extent, gaps
from aimager.model.partition import FileSystem
from aimager.model.settings import HashedPassword, Settings
from aimager.sandbox.tree import Tree, shown
from aimager.sandbox.tree_changes import Difference, find_changes, look, look_again
from aimager.system.passwords import hash_passwords
from aimager.system.personal import PartialRoot, folders, homes, personalise
from aimager.toolbox import Toolbox

_LARGEST_NAMING = 64 << 10
"""Bytes of the largest file of the boot file system that may name others by their ids."""

_TRIES = 8

_DAMAGES = (struct.error, IndexError, ZeroDivisionError, OverflowError, RecursionError)
"""What reading metadata raises that lies: an image may be anybody's."""


@dataclass(frozen=True)
class Wanted:
    """The image at ``path``, what it is to be set up to, and what its ids vary by."""

    path: Path
    setup: Settings
    seed: str


@dataclass(frozen=True)
class Patch:
    """What is to be written to an image.

    ``runs`` are its places in their order, ``files`` the paths that have changed, and ``mapped``
    what of the whole image has to reach a card.
    """

    runs: tuple[Extent, ...]
    files: tuple[str, ...]
    mapped: tuple[Extent, ...]


def make_patch(tools: Toolbox, wanted: Wanted, work: Path, target: Path) -> Patch:
    """Write to ``target``, one after the other, what takes the places of the patch's runs.

    ``work`` has room for the changed files.

    :raises ConfigError: when aimager did not make the image, or it cannot be set up so
    :raises ImageError: when the image is damaged, or has no room
    :raises HostError: when this machine lacks a program, or the id of an owner
    """
    try:
        with wanted.path.open("rb") as stream:
            return _make_patch(tools, wanted, read_disk(stream), work, target)
    except _DAMAGES as error:
        raise ImageError(
            f"{wanted.path.name} is damaged: {error}", hint="take another copy, or build it anew"
        ) from error


def _make_patch(
    tools: Toolbox, wanted: Wanted, disk: FinishedDisk, work: Path, target: Path
) -> Patch:
    hashed = hash_passwords(tools, wanted.setup.passwords, _salt_seed(disk, wanted))
    ids = derive_ids(disk, fingerprint((_salt_seed(disk, wanted), list(hashed))))
    tree, found = _SetUp(tools, wanted, disk, ids, hashed).make(work)
    change_all_ids(disk, ids)
    _patch_parts(tools, disk, tree, found, work)
    pieces = list(_pieces(disk))
    with target.open("wb") as content:
        content.writelines(data for _, data in pieces)
    places = tuple(Extent(start, len(data)) for start, data in pieces)
    return Patch(places, tuple(sorted({*found.before, *found.after})), tuple(_mapped(disk)))


def _salt_seed(disk: FinishedDisk, wanted: Wanted) -> str:
    """What tells the image from others of the same one: everything but its passwords."""
    return fingerprint((disk.ids, wanted.seed, wanted.setup.without_secrets()))


class _SetUp:
    """Sets up as much of the files of ``disk`` as takes part in it."""

    def __init__(
        self,
        tools: Toolbox,
        wanted: Wanted,
        disk: FinishedDisk,
        ids: NewIds,
        hashed: Sequence[HashedPassword],
    ) -> None:
        self.tools = tools
        self.setup = wanted.setup
        self.disk = disk
        self.names = ids.names(disk)
        self.hashed = hashed
        self.epoch = disk.trees[""].made

    def make(self, work: Path) -> tuple[Tree, Difference]:
        """Return the tree, below ``work``, and what was changed in it."""
        more = set[str]()
        for number in range(_TRIES):
            partial = PartialTree(work / f"tree-{number}", self.disk.trees)
            for folder, deep in folders(self.setup):
                partial.load(folder, deep=deep)
            for folder in (*homes(partial.tree), *more):
                partial.load(folder)
            naming = list(self._lay_boot_files(partial))
            partial.settle()
            before = look(partial.tree)
            rename_ids(partial.tree, self.names, naming)
            personalise(PartialRoot(partial.tree, self.tools, self.epoch), self.setup, self.hashed)
            found = look_again(partial.tree, before)
            unseen = partial.unseen(found)
            if not unseen:
                _refuse_attributes(partial, found)
                return partial.tree, found
            more |= unseen
        raise ImageError(
            f"set-up reaches too far into the image, to {shown(min(unseen))} at last",
            hint="build it anew with these settings",
        )

    def _lay_boot_files(self, partial: PartialTree) -> Iterator[str]:
        """Have the files of FAT file systems that name ids; yields their paths."""
        for top, part in self.disk.mounted.items():
            if part.kind is not FileSystem.vfat:
                continue
            fat = FatFiles(part.image)
            partial.load(top)
            for file in fat.files():
                if 0 < file.size <= _LARGEST_NAMING:
                    text = fat.read(file)
                    if with_ids(text, self.names) != text:
                        path = f"{top}/{file.path}"
                        partial.tree.write(path, text, 0o644)
                        yield path


def _refuse_attributes(partial: PartialTree, found: Difference) -> None:
    """Refuse to replace a file whose extended attributes would be lost."""
    for path, seen in found.before.items():
        if path in partial.with_attributes and not seen.is_folder:
            raise ImageError(
                f"{shown(path)} has extended attributes, which would be lost",
                hint="build the image anew with these settings",
            )


def _patch_parts(
    tools: Toolbox, disk: FinishedDisk, tree: Tree, found: Difference, work: Path
) -> None:
    """Write what was changed in ``tree`` into the file systems of ``disk``.

    What that sets free is emptied: it would go on telling what files held, such as former
    passwords' hashes.
    """
    epoch = disk.trees[""].made
    for top, part in disk.mounted.items():
        others = tuple(other for other in disk.mounted if other and other != top)
        changes, image = find_changes(tree, found, top, others), part.image
        if part.kind is FileSystem.ext4 and changes:
            used = Ext4(image).blocks_in_use()
            patch_ext4(tools, image, changes, work, label=top or "root", epoch=epoch)
            _empty(image, runs(used & ~Ext4(image).blocks_in_use()))
        elif part.kind is FileSystem.vfat and changes:
            before = FatFolders(image)
            patch_fat(tools, image, changes, Tree(tree.path / top), work, epoch=epoch)
            _empty(image, newly_used(FatFolders(image), before))


def _empty(image: ChangedImage, extents: Iterable[Extent]) -> None:
    for extent in extents:
        image.write(extent.start, bytes(extent.size))


def _pieces(disk: FinishedDisk) -> Iterator[tuple[int, bytes]]:
    """What was changed, and where on the disk, in the order in which it is to be written.

    Of a block that is shared by the table and a partition, the partition's is the newer one.
    """
    for image in (disk.whole, *(part.image for part in disk.parts)):
        yield from _joined(image)


def _joined(image: ChangedImage) -> Iterator[tuple[int, bytes]]:
    """The changed blocks of an image, those that follow one another as one."""
    start, pieces = -1, list[bytes]()
    for number in sorted(image.blocks):
        if start + len(pieces) != number:
            if pieces:
                yield image.extent.start + start * BLOCK, b"".join(pieces)
            start, pieces = number, []
        pieces.append(image.blocks[number])
    if pieces:
        yield image.extent.start + start * BLOCK, b"".join(pieces)


def _mapped(disk: FinishedDisk) -> Iterator[Extent]:
    """What of the disk has to be written, in order: all that its file systems do not call free."""
    used: list[Extent] = []
    for part in disk.parts:
        at = part.slot.extent.start
        own = extents_in_use(part.image, part.kind) if part.kind in _KNOWN else ()
        whole = (Extent(0, part.slot.extent.size),)
        used += [Extent(at + extent.start, extent.size) for extent in own or whole]
    outside = gaps([part.slot.extent for part in disk.parts], disk.whole.size)
    return iter(sorted((*outside, *used), key=lambda extent: extent.start))


_KNOWN = {FileSystem.ext4, FileSystem.vfat, FileSystem.swap}
