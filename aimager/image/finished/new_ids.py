"""Other ids for a finished image: those of its table, partitions and file systems, and wherever the
system names them."""

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aimager.image.filesystem.ext4_ids import change_ids
from aimager.image.filesystem.fat_patch import change_volume_id
from aimager.image.finished.disk import SWAP_ID, FinishedDisk, Part
from aimager.image.finished.disk_label import change_label_ids
from aimager.model.partition import FileSystem, Label
from aimager.sandbox.tree import Tree
from aimager.uuids import derive_uuid, derive_volume_id, fat_uuid

_NAMED_IN = (
    *("etc/fstab", "etc/crypttab", "etc/kernel/cmdline", "etc/default/grub", "etc/default/u-boot"),
    *("boot/*", "boot/extlinux/*", "boot/loader/*", "boot/loader/entries/*", "boot/syslinux/*"),
)
"""Where a system on the root names file systems by their ids."""

_LARGEST = 64 << 10
"""Bytes of a file in which ids are looked for: what boot loaders read is smaller."""


@dataclass(frozen=True)
class NewIds:
    """Ids of a table, of its partitions (PARTUUID) and, by their numbers, of file systems."""

    disk: str
    partuuids: tuple[str, ...]
    file_systems: Mapping[int, str]

    def names(self, disk: FinishedDisk) -> dict[str, str]:
        """What takes the place of each id of ``disk``, as a system's files name it."""
        pairs = [(disk.label.id, self.disk)] if disk.label.label is Label.gpt else []
        old = [slot.partuuid for slot in disk.label.slots]
        pairs += zip(old, self.partuuids, strict=True)
        pairs += [(part.id, self.file_systems[part.slot.number]) for part in disk.parts if part.id]
        return {old.lower(): new for old, new in pairs}


def derive_ids(disk: FinishedDisk, seed: str) -> NewIds:
    """Ids for ``disk`` that follow from ``seed``."""
    slots = disk.label.slots
    if disk.label.label is Label.gpt:
        identity = derive_uuid(seed, "disk")
        partuuids = tuple(derive_uuid(seed, f"{slot.number} partition") for slot in slots)
    else:
        identity = derive_volume_id(seed, "disk")
        partuuids = tuple(f"{identity}-{slot.number:02x}" for slot in slots)
    return NewIds(identity, partuuids, {p.slot.number: _derive(p, seed) for p in disk.parts})


def _derive(part: Part, seed: str) -> str:
    purpose = f"{part.slot.number} file system"
    if part.kind is FileSystem.vfat:
        return fat_uuid(derive_volume_id(seed, purpose))
    return derive_uuid(seed, purpose)


def change_all_ids(disk: FinishedDisk, ids: NewIds) -> None:
    """Give ``disk``, its partitions and file systems these ids, but not the files that name them.

    :raises ImageError: when a file system is another than is made here
    """
    change_label_ids(disk.whole, disk.label, ids.disk, ids.partuuids)
    for part in disk.parts:
        new = ids.file_systems[part.slot.number]
        match part.kind:
            case FileSystem.ext4:
                change_ids(part.image, new)
            case FileSystem.vfat:
                change_volume_id(part.image, new.replace("-", "").lower())
            case FileSystem.swap:
                part.image.write(SWAP_ID, uuid.UUID(new).bytes)


def rename_ids(tree: Tree, names: Mapping[str, str], more: Iterable[str] = ()) -> None:
    """Let the files of ``tree`` that boot and mount by ids, and ``more``, have these instead."""
    for path in (*(p for pattern in _NAMED_IN for p in tree.glob(pattern)), *more):
        status = tree.lstat(path)
        if status and tree.is_file(path) and 0 < status.st_size <= _LARGEST:
            text = tree.read_bytes(path)
            changed = with_ids(text, names)
            if changed != text:
                tree.write(path, changed)


def with_ids(text: bytes, names: Mapping[str, str]) -> bytes:
    """``text`` with other ids; letters of both cases are the same in one."""
    known = b"|".join(re.escape(old.encode()) for old in sorted(names, key=len, reverse=True))
    if not known:
        return text
    pattern = re.compile(rb"(?<![0-9A-Za-z])(?:" + known + rb")(?![0-9A-Za-z])", re.IGNORECASE)
    return pattern.sub(lambda found: names[found[0].decode().lower()].encode(), text)
