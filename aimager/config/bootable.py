"""Whether a board's firmware can start anything from its disk, by what the table alone tells.

Each kind of firmware looks for a boot partition in its own way; the sources are named there.
"""

from aimager.errors import ConfigError
from aimager.model import gpt_types
from aimager.model.board import Board, Bootloader
from aimager.model.layout import BeyondLabelError
from aimager.model.named_tables import NAMED_TABLES
from aimager.model.partition import FileSystem, Label, MiB, Partition, PartitionTable, Role
from aimager.model.partition_types import read_type
from aimager.model.raw_places import check_pieces
from aimager.units import exact_size

_FAT_TYPES = ("1", "4", "6", "b", "c", "e")
"""Types of FAT partitions in a DOS label."""

_LEAST = 8 * MiB
"""Fewer bytes than any kernel and its initramfs take."""

_MARK = "LegacyBIOSBootable"

_ROM_LOADS = "bootcode.bin"
_EEPROM_LOADS = ("start4", "bcm2711", "bcm2712")
"""How the names of files begin that Raspberry Pis 4 and later boot by."""


def check_bootable(board: Board, table: PartitionTable, told: str) -> None:
    """Refuse ``table`` where one of the board's boot loaders could not be started from it.

    ``told`` is what the table is called: the variable, or the board that it comes from.

    :raises ConfigError: then
    """
    booted = table.booted
    if board.bootloaders and booted.size is not None and booted.size < _LEAST:
        raise ConfigError(
            f"{told} has a {booted.role} partition of {exact_size(booted.size)}, which cannot hold"
            " a kernel and its initramfs",
            hint=f"give aimager@{booted.role}: more, such as size=512MiB",
        )
    check = _Check(board, table, told)
    for loader in board.bootloaders:
        match loader:
            case Bootloader.systemd_boot:
                check.uefi()
            case Bootloader.syslinux:
                check.bios()
            case Bootloader.extlinux:
                check.u_boot()
            case Bootloader.raspberry_pi_firmware:
                check.raspberry_pi()
    try:
        check_pieces(table, board.raw_pieces)
    except BeyondLabelError as error:
        raise ConfigError(error.message, hint=_within_label(board, error.hint)) from error


def _within_label(board: Board, smaller: str) -> str:
    """What to do about a disk that a DOS label has no numbers for."""
    for name, named in NAMED_TABLES.items():
        if named.table.label is Label.gpt:
            try:
                check_bootable(board, named.table, name)
            except ConfigError:
                continue
            return f"{smaller}, or use a GPT: label: gpt, or table=={name}"
    return f"{smaller}: the board {board.id} starts from no other label"


class _Check:
    def __init__(self, board: Board, table: PartitionTable, told: str) -> None:
        self.board = board
        self.table = table
        self.told = told

    def _refused(self, problem: str, why: str, hint: str) -> ConfigError:
        return ConfigError(f"{self.told} has {problem}, {why}", hint=hint)

    @property
    def _cannot_boot(self) -> str:
        return f"from which the board {self.board.id} cannot boot"

    def _fat(self) -> Partition:
        """The partition for booting, which has to be there, and FAT."""
        boot = self.table.with_role(Role.boot)
        if boot is None:
            raise self._refused(
                "no partition for booting",
                f"which the board {self.board.id} needs",
                "mark one with aimager@boot:",
            )
        if boot.file_system is not FileSystem.vfat:
            raise self._refused(
                f"a boot partition of {boot.file_system}",
                f"{self._cannot_boot}: its firmware reads FAT",
                "boot_fat() is one",
            )
        return boot

    def uefi(self) -> None:
        """UEFI 13.3: boot loaders are looked for in EFI system partitions."""
        if not self._fat().is_esp:
            raise self._refused(
                "a boot partition that is not an EFI system partition",
                self._cannot_boot,
                "add type=uefi: aimager@boot: size=1GiB, type=uefi",
            )

    def bios(self) -> None:
        """SYSLINUX's master boot record starts the only active partition of a DOS label."""
        boot = self._fat()
        if self.table.label is not Label.dos:
            raise self._refused(
                f"the label {self.table.label}", self._cannot_boot, "use label: dos"
            )
        if not self.table.is_active(boot):
            raise ConfigError(
                f"{self.told} has a partition for booting that is not active, but the board"
                f" {self.board.id} needs it to be",
                hint="add bootable: aimager@boot: size=1GiB, bootable",
            )
        if sum(self.table.is_active(p) for p in self.table.partitions) > 1:
            raise self._refused(
                "several active partitions", self._cannot_boot, "leave bootable to aimager@boot:"
            )

    def u_boot(self) -> None:
        """U-Boot looks at the first partition that is marked, or else at the first of all.

        Marked are EFI system partitions, active ones and, in a GPT, those for a BIOS (U-Boot's
        disk/part_efi.c, disk/part_dos.c, and boot/bootdev-uclass.c).
        """
        booted = self.table.booted
        if booted.file_system not in (FileSystem.vfat, FileSystem.ext4):
            raise self._refused(
                f"its boot files in {booted.file_system}",
                f"{self._cannot_boot}: U-Boot reads FAT and ext4",
                "mark a partition with aimager@boot:, or leave root-fs= at ext4",
            )
        marked = [p for p in self.table.partitions if _is_marked(self.table, p)]
        if (marked or self.table.partitions)[0] is not booted:
            raise self._refused(
                f"a {booted.role} partition that U-Boot does not look at",
                f"{self._cannot_boot}: it takes the first that is marked, or else the first",
                f"add {self._mark(booted)} to aimager@{booted.role}:, and to no other before it",
            )

    def _mark(self, booted: Partition) -> str:
        if self.table.label is Label.dos:
            return "bootable"
        return "type=uefi" if booted.role is Role.boot else f'attrs="{_MARK}"'

    def raspberry_pi(self) -> None:
        """The ROM of models up to the 3 reads FAT types of DOS labels alone; later models' EEPROM
        also GPT, and EFI system partitions (raspberrypi/firmware#1711, rpi-eeprom#126)."""
        boot = self._fat()
        if not self._has_eeprom and self.table.label is not Label.dos:
            raise self._refused(
                f"the label {self.table.label}",
                f"{self._cannot_boot}: the ROM of this Raspberry Pi reads DOS labels",
                "use label: dos",
            )
        if not self._is_read(boot):
            raise self._refused(
                f"a boot partition of the type {_type(self.table, boot)}",
                f"{self._cannot_boot}: its firmware looks for FAT by the type",
                "leave type= of aimager@boot: out, or use type=c"
                if self.table.label is Label.dos
                else "leave type= of aimager@boot: out",
            )
        first = next(p for p in self.table.partitions if self._is_read(p))
        if first is not boot:
            raise self._refused(
                "another FAT partition before that for booting",
                f"{self._cannot_boot}: its firmware takes the first",
                "let aimager@boot: come first",
            )

    @property
    def _has_eeprom(self) -> bool:
        names = self.board.boot_files
        return _ROM_LOADS not in names and any(n.startswith(_EEPROM_LOADS) for n in names)

    def _is_read(self, partition: Partition) -> bool:
        kind = _type(self.table, partition)
        if self.table.label is Label.gpt:
            return partition.is_esp or kind == gpt_types.BASIC_DATA
        return kind in _FAT_TYPES or (self._has_eeprom and kind == "ef")


def _type(table: PartitionTable, partition: Partition) -> str:
    """The type that a partition gets, in the form that the label has for it; empty: its role's."""
    if partition.type:
        return (read_type(table.label, partition.type) or partition.type).lower()
    if table.label is Label.gpt:
        return ""
    return "ef" if partition.esp else partition.file_system.dos_type


def _is_marked(table: PartitionTable, partition: Partition) -> bool:
    if table.label is Label.gpt:
        return partition.is_esp or _MARK in partition.attributes
    return table.is_active(partition) or _type(table, partition) == "ef"
