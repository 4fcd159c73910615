"""A finished disk image: its partitions, what each is for, and whether aimager has made it."""

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import IO

from aimager.errors import ConfigError, ImageError
from aimager.image.changed_image import ChangedImage
from aimager.image.filesystem.ext4_layout import UnknownLayoutError
from aimager.image.finished.disk_label import DiskLabel, Slot, read_label
from aimager.image.finished.ext4_files import Ext4Files
from aimager.image.finished.fat_files import FatFiles
from aimager.model.layout import Extent
from aimager.model.partition import FileSystem
from aimager.sandbox.tree import shown
from aimager.uuids import fat_uuid

SWAP_ID = 0x40C
"""Where a swap space has its UUID (union swap_header of the kernel)."""

_EXT4_ID = 0x468

_MARK = "etc/systemd/system-preset/50-image.preset"
"""What every image has that is made here, and nothing else (`aimager.system.first_boot`)."""
_MACHINE_ID, _FSTAB = "etc/machine-id", "etc/fstab"
_NEW = b"uninitialized"
_SMALL = 64 << 10

_MAGICS = (
    (FileSystem.ext4, 1024 + 56, (b"\x53\xef",)),
    (FileSystem.btrfs, 65536 + 64, (b"_BHRfS_M",)),
    (FileSystem.xfs, 0, (b"XFSB",)),
    (FileSystem.erofs, 1024, (b"\xe2\xe1\xf5\xe0",)),
    (FileSystem.squashfs, 0, (b"hsqs",)),
    (FileSystem.swap, 4096 - 10, (b"SWAPSPACE2",)),
    (FileSystem.vfat, 82, (b"FAT32",)),
    (FileSystem.vfat, 54, (b"FAT1",)),
)
"""How each file system tells what it is, and where."""

_ANEW = "build it anew with these settings: doit build hostname=..."


@dataclass(frozen=True)
class Part:
    """A partition with a file system; ``id`` is as fstab(5) has it, empty where that has none."""

    slot: Slot
    kind: FileSystem
    image: ChangedImage

    @cached_property
    def id(self) -> str:
        """Its file system's UUID, as blkid(8) prints it."""
        match self.kind:
            case FileSystem.ext4:
                # Of any ext4, whether its files can be read or not.
                return str(uuid.UUID(bytes=self.image.read(_EXT4_ID, 16).ljust(16, b"\0")))
            case FileSystem.vfat:
                return fat_uuid(FatFiles(self.image).volume_id)
            case FileSystem.swap:
                return str(uuid.UUID(bytes=self.image.read(SWAP_ID, 16)))
            case _:
                return ""

    @property
    def sources(self) -> tuple[str, ...]:
        """What fstab(5) may call it."""
        return f"UUID={self.id}", f"PARTUUID={self.slot.partuuid}"


@dataclass(frozen=True)
class FinishedDisk:
    """A disk whose ``parts`` have file systems.

    ``mounted`` are those that its system mounts, each by where: the root's place is empty.
    """

    whole: ChangedImage
    label: DiskLabel
    parts: tuple[Part, ...]
    mounted: Mapping[str, Part]

    @cached_property
    def trees(self) -> Mapping[str, Ext4Files]:
        """The files of those that are ext4, by where they are mounted."""
        return {
            top: Ext4Files(part.image)
            for top, part in self.mounted.items()
            if part.kind is FileSystem.ext4
        }

    @property
    def ids(self) -> tuple[str, ...]:
        """All ids that it has."""
        of_slots = [slot.partuuid for slot in self.label.slots]
        return self.label.id, *of_slots, *(part.id for part in self.parts)


def read_disk(stream: IO[bytes]) -> FinishedDisk:
    """The disk image that ``stream`` is open for.

    :raises ConfigError: when aimager has not made it, it was started before, or its root file
        system is not one that is changed in place
    """
    whole = ChangedImage(stream, Extent(0, os.lseek(stream.fileno(), 0, os.SEEK_END)))
    name = whole.name
    label = read_label(whole)
    if label is None:
        raise _foreign(name, "has no partition table that is in order")
    parts = find_parts(stream, label)
    root = next((part for part in parts if _is_root(part, name)), None)
    if root is None:
        other = next((p.kind for p in parts if p.kind in _OTHER_ROOTS), None)
        if other:
            raise ConfigError(
                f"{name} has a {other}, but only a root of ext4 is personalised",
                hint=_ANEW,
            )
        raise _foreign(name, "holds no system that aimager has made")
    mounted = find_mounts(root, parts)
    _refuse_odd_mounts(root, mounted)
    return FinishedDisk(whole, label, parts, mounted)


_OTHER_ROOTS = {FileSystem.btrfs, FileSystem.xfs, FileSystem.erofs, FileSystem.squashfs}


def _foreign(name: str, why: str) -> ConfigError:
    return ConfigError(
        f"image={name} {why}",
        hint="name a disk image that doit build has made, such as out/*/disk.img",
    )


def find_parts(stream: IO[bytes], label: DiskLabel) -> tuple[Part, ...]:
    """The partitions of the image that ``stream`` is open for that have file systems."""
    images = [(slot, ChangedImage(stream, slot.extent)) for slot in label.slots]
    kinds = [(slot, find_file_system(image), image) for slot, image in images]
    return tuple(Part(slot, kind, image) for slot, kind, image in kinds if kind)


def find_file_system(image: ChangedImage) -> FileSystem | None:
    """The file system that ``image`` begins with; None: none that is known."""
    for kind, at, magics in _MAGICS:
        if any(image.read(at, len(magic)) == magic for magic in magics):
            return kind
    return None


def _is_root(part: Part, name: str) -> bool:
    """Whether it is the root of a system that was made here, and never started.

    :raises ConfigError: when it was started
    :raises ImageError: when it is another ext4 than is made here, or damaged
    """
    if part.kind is not FileSystem.ext4:
        return False
    try:
        files = Ext4Files(part.image)
        mark, machine = files.find(_MARK), files.find(_MACHINE_ID)
        if not (mark and mark.is_file and machine and machine.is_file):
            return False
        if not files.read(machine, _SMALL).startswith(_NEW):
            raise ConfigError(
                f"{name} was started before, and has an identity of its own",
                hint="set it up in the running system, or personalise a fresh copy of the image",
            )
    except UnknownLayoutError as error:
        raise ImageError(
            f"{name} has an ext4 file system that was in use, or that other arguments or programs"
            " have made",
            hint=_ANEW,
        ) from error
    return True


def find_mounts(root: Part, parts: tuple[Part, ...]) -> dict[str, Part]:
    """The partitions that the root's fstab(5) names, by their mount points."""
    files = Ext4Files(root.image)
    fstab = files.find(_FSTAB)
    text = files.read(fstab, _SMALL) if fstab and fstab.is_file else b""
    found = {"": root}
    for line in text.decode(errors="replace").split("\n"):
        source, top, *_ = [*line.split(), "", ""]
        for part in parts:
            names = [name.lower() for name in part.sources]
            if source.lower() in names and top.startswith("/") and part is not root:
                found[top.strip("/")] = part
    return found


def _refuse_odd_mounts(root: Part, mounted: Mapping[str, Part]) -> None:
    """Refuse mount points that are not folders, or that a link leads to.

    :raises ConfigError: for one of these
    """
    files = Ext4Files(root.image)
    for top in mounted:
        here = files.find(top)
        if here is None or not here.is_folder:
            raise _foreign(
                root.image.name, f"mounts a file system at {shown(top)}, which is not a folder"
            )
