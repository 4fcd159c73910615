"""Partition tables, as a board describes them."""

from dataclasses import dataclass
from enum import StrEnum

MiB = 1 << 20
GiB = 1 << 30


class Label(StrEnum):
    """A kind of partition table, by sfdisk's name."""

    gpt = "gpt"
    dos = "dos"


class Role(StrEnum):
    """What a partition is for; also its name in ``part-ROLE.img``."""

    boot = "boot"
    root = "root"


class FileSystem(StrEnum):
    """A file system, by its name in fstab(5)."""

    vfat = "vfat"
    ext4 = "ext4"


@dataclass(frozen=True)
class Partition:
    """One partition; ``size`` in bytes, None for as much as its content needs."""

    role: Role
    file_system: FileSystem
    size: int | None = None
    esp: bool = False
    """Whether firmware looks for boot loaders in it (an EFI system partition)."""


@dataclass(frozen=True)
class PartitionTable:
    """Partitions in the order in which they lie on the disk."""

    label: Label
    partitions: tuple[Partition, ...]
    alignment: int = MiB
    """Every partition starts at a multiple of so many bytes, the first one at it."""

    def with_role(self, role: Role) -> Partition | None:
        """The first partition that is for ``role``."""
        return next((p for p in self.partitions if p.role is role), None)


def boot_fat(size: int, *, esp: bool = True) -> Partition:
    """A FAT partition mounted at /boot."""
    return Partition(Role.boot, FileSystem.vfat, size, esp)


def root_ext4(size: int | None = None) -> Partition:
    """An ext4 root, by default as small as its content and a margin."""
    return Partition(Role.root, FileSystem.ext4, size)
