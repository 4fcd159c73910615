"""Partition tables, as a board or the user describes them."""

from dataclasses import dataclass, replace
from enum import StrEnum

from aimager.model import gpt_types

SECTOR = 512
"""The unit in which partition tables count, in bytes."""

GPT_ENTRIES = 128
"""Of a GPT where nothing is said."""

GPT_MOST_ENTRIES = 1024
"""Of a GPT that is made here."""

MiB = 1 << 20
GiB = 1 << 30


class Label(StrEnum):
    """A kind of partition table, by sfdisk's name."""

    gpt = "gpt"
    dos = "dos"


ESP_TYPES = (gpt_types.ESP, "ef")
"""The types of an EFI system partition, in a GPT and in a DOS label (UEFI 5.2.2 and 5.3.3)."""


class Role(StrEnum):
    """What a partition is for; also its name in ``part-ROLE.img``."""

    boot = "boot"
    root = "root"
    home = "home"
    swap = "swap"
    raw = "raw"
    """Nothing of ours lies in it: it keeps a boot loader's place, or is for the user to fill."""

    @property
    def mount_point(self) -> str | None:
        """Where the image's system mounts it, if it does."""
        return {Role.boot: "/boot", Role.root: "/", Role.home: "/home"}.get(self)


class FileSystem(StrEnum):
    """A file system, by its name in fstab(5)."""

    vfat = "vfat"
    ext4 = "ext4"
    btrfs = "btrfs"
    xfs = "xfs"
    erofs = "erofs"
    squashfs = "squashfs"
    swap = "swap"
    none = "none"

    @property
    def read_only(self) -> bool:
        """Whether it never changes once it is made."""
        return self in (FileSystem.erofs, FileSystem.squashfs)

    @property
    def package(self) -> str:
        """The package with the program that makes it; empty where nothing has to be made."""
        return {
            FileSystem.vfat: "dosfstools",
            FileSystem.ext4: "e2fsprogs",
            FileSystem.btrfs: "btrfs-progs",
            FileSystem.xfs: "xfsprogs",
            FileSystem.erofs: "erofs-utils",
            FileSystem.squashfs: "squashfs-tools",
            FileSystem.swap: "util-linux",
        }.get(self, "")

    @property
    def can_be_root(self) -> bool:
        """Whether a system can have its root in it: it keeps owners, modes and capabilities."""
        return self not in (FileSystem.vfat, FileSystem.swap, FileSystem.none)

    @property
    def mount_options(self) -> str:
        """The options that it always has in fstab(5)."""
        return {
            # FAT has no modes, and what lies in /boot is not for all to read.
            FileSystem.vfat: "rw,relatime,fmask=0177,dmask=0077",
            FileSystem.erofs: "ro",
            FileSystem.squashfs: "ro",
            FileSystem.swap: "defaults",
        }.get(self, "rw,relatime")

    @property
    def is_checked(self) -> bool:
        """Whether fsck(8) checks it at boot; the programs of btrfs and xfs do nothing by design."""
        return self in (FileSystem.vfat, FileSystem.ext4)

    @property
    def compressions(self) -> str:
        """The words of its maker for how to compress, as a regular expression; empty: none."""
        return {
            FileSystem.btrfs: "none|lzo|zlib(:[1-9])?|zstd(:([1-9]|1[0-5]))?",
            FileSystem.erofs: "none|(lz4|lz4hc|lzma|deflate|zstd)(,level=[0-9]{1,3})?",
            FileSystem.squashfs: "none|gzip|lzo|lz4|xz|zstd",
        }.get(self, "")

    @property
    def is_packed(self) -> bool:
        """Whether its maker compresses where nothing is said."""
        return self.read_only

    @property
    def has_subvolumes(self) -> bool:
        """Whether it can have subvolumes, and a mount option for its compression."""
        return self is FileSystem.btrfs

    @property
    def has_uuid(self) -> bool:
        """Whether it can be found by a UUID, or by a serial number, of its own."""
        return self not in (FileSystem.squashfs, FileSystem.none)

    @property
    def dos_type(self) -> str:
        """The type of its partitions in a DOS label, in hexadecimal digits."""
        return {FileSystem.vfat: "c", FileSystem.swap: "82"}.get(self, "83")


@dataclass(frozen=True)
class Subvolume:
    """A btrfs subvolume of this ``name`` whose content is the root's folder ``mount_point``."""

    name: str
    mount_point: str


@dataclass(frozen=True)
class Partition:
    """One partition; ``size`` in bytes, None for as much as its content needs."""

    role: Role
    file_system: FileSystem
    size: int | None = None
    esp: bool = False
    """Whether firmware looks for boot loaders in it (an EFI system partition)."""
    start: int | None = None
    """Its first byte on the disk; None is the next one that is aligned."""
    type: str = ""
    """Its type by sfdisk's word, a UUID or hexadecimal digits; empty is what its role asks for."""
    attributes: str = ""
    """GPT attributes by sfdisk's words, such as ``LegacyBIOSBootable``."""
    name: str = ""
    """Its name in a GPT, by default its role."""
    uuid: str = ""
    """Its UUID in a GPT, by default derived from the image's seed."""
    bootable: bool | None = None
    """Whether a DOS label marks it as active; None: if it is for booting."""
    arguments: tuple[str, ...] = ()
    """More arguments for the program that makes its file system."""
    file_system_id: str = ""
    """Its file system's UUID, as blkid(8) prints it, by default derived from the image's seed."""
    compression: str = ""
    """How its content is compressed, by the word of the file system's maker; empty: not."""
    subvolumes: tuple[Subvolume, ...] = ()
    """What of a btrfs lies in subvolumes; the root's own comes first."""

    @property
    def is_esp(self) -> bool:
        """Whether its type, if it has one, is that of an EFI system partition."""
        return self.type.lower() in ESP_TYPES if self.type else self.esp


@dataclass(frozen=True)
class PartitionTable:
    """Partitions in the order in which they lie on the disk."""

    label: Label
    partitions: tuple[Partition, ...]
    alignment: int = MiB
    """Every partition starts at a multiple of so many bytes, the first one at it, if it has no
    start of its own."""
    first_lba: int | None = None
    """The first sector that GPT lets partitions take; None is that of the alignment."""
    last_lba: int | None = None
    """The last one; None is that of the smallest disk."""
    id: str = ""
    """The label's id (`aimager.model.image_ids`), by default derived from the image's seed."""
    entries: int = GPT_ENTRIES
    """So many partitions a GPT has room for; the fewer, the nearer to its start a disk can have a
    boot loader."""

    def with_role(self, role: Role) -> Partition | None:
        """The first partition that is for ``role``."""
        return next((p for p in self.partitions if p.role is role), None)

    @property
    def booted(self) -> Partition:
        """The one that the files of /boot lie in, which is the root where none is for booting."""
        found = self.with_role(Role.boot) or self.with_role(Role.root)
        assert found, "a table has a root"
        return found

    def is_active(self, partition: Partition) -> bool:
        """Whether a DOS label marks ``partition``, one of these, as the one to start from."""
        return partition is self.booted if partition.bootable is None else partition.bootable

    @property
    def growing(self) -> Partition | None:
        """The one that grows with the disk at the first boot: the last, if it can change."""
        last = self.partitions[-1]
        can = last.role in (Role.root, Role.home) and not last.file_system.read_only
        return last if can else None

    @property
    def filled(self) -> tuple[Partition, ...]:
        """Those that something of ours is written in."""
        return tuple(p for p in self.partitions if p.role is not Role.raw)

    @property
    def taken(self) -> tuple[str, ...]:
        """The folders in which partitions other than the root are mounted."""
        others = (p.role.mount_point for p in self.partitions if p.role is not Role.root)
        return tuple(filter(None, others))

    def changed(self, role: Role, **changes: object) -> "PartitionTable":
        """The same with other values in the fields of the partition for ``role``."""
        partitions = (
            replace(p, **changes) if p.role is role else p  # type: ignore[arg-type]
            for p in self.partitions
        )
        return replace(self, partitions=tuple(partitions))


def boot_fat(size: int, *, esp: bool = True) -> Partition:
    """A FAT partition mounted at /boot."""
    return Partition(Role.boot, FileSystem.vfat, size, esp)


def root_ext4(size: int | None = None) -> Partition:
    """An ext4 root, by default as small as its content and a margin."""
    return Partition(Role.root, FileSystem.ext4, size)


FAT_EPOCH = 315532800  # 1980-01-01, the first moment that FAT can tell
