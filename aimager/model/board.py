"""Boards: what to install so that a machine boots, and how its disk is laid out."""

import re
from dataclasses import dataclass
from enum import StrEnum

from aimager.model.architecture import Architecture
from aimager.model.partition import PartitionTable
from aimager.model.settings import AddedFile, Script

BOARD_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""The form of an id, which becomes a part of paths."""


class Firmware(StrEnum):
    """What a machine runs before anything of its disk, or of its card."""

    uefi = "uefi"
    bios = "bios"
    u_boot = "u-boot"
    raspberry_pi = "raspberry-pi"


class Bootloader(StrEnum):
    """What of an image the machine's firmware starts or reads, so that it starts the kernel."""

    systemd_boot = "systemd-boot"
    syslinux = "syslinux"
    extlinux = "extlinux"
    """U-Boot, by a configuration in the format of EXTLINUX."""
    raspberry_pi_firmware = "raspberry-pi-firmware"

    @property
    def firmware(self) -> Firmware:
        """The kind of firmware that it is for."""
        return {
            Bootloader.systemd_boot: Firmware.uefi,
            Bootloader.syslinux: Firmware.bios,
            Bootloader.extlinux: Firmware.u_boot,
            Bootloader.raspberry_pi_firmware: Firmware.raspberry_pi,
        }[self]


class Initramfs(StrEnum):
    """What makes the initramfs: the name of its package."""

    booster = "booster"
    mkinitcpio = "mkinitcpio"
    dracut = "dracut"


@dataclass(frozen=True)
class RawPiece:
    """Part of a boot loader that the firmware reads from a fixed place, outside any partition.

    ``file`` is its path in the root, without a leading slash. ``size`` bytes of it, by default all
    that there are, from its byte ``skip`` on go to byte ``offset`` of the disk. ``least`` is how
    many these surely are: so much room is looked for before the file is there.
    """

    file: str
    offset: int
    skip: int = 0
    size: int | None = None
    least: int = 1


@dataclass(frozen=True)
class Boot:
    """How a machine comes to its kernel; the fields are those of `Board`."""

    bootloaders: tuple[Bootloader, ...] = ()
    devicetree: str = ""
    files: tuple[str, ...] = ()
    raw_pieces: tuple[RawPiece, ...] = ()
    kernels: tuple[str, ...] = ()
    kernel_room: int | None = None


@dataclass(frozen=True)
class Board:
    """A machine, or a family of machines that boot alike.

    ``architecture`` and ``distros`` are None and empty for what suits any. ``packages`` come
    beside the kernels, the initramfs maker and what the file systems need, some of them perhaps out
    of the third-party ``repositories``. With an empty ``command_line``, and the Raspberry Pi's
    firmware, the one of its package is kept. ``services`` are units to enable, and ``scripts`` are
    run in the image when all else is done.
    """

    id: str
    name: str
    architecture: Architecture | None = None
    distros: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()
    """Their packages; the first is the one that is booted where nobody chooses."""
    packages: tuple[str, ...] = ()
    initramfs: Initramfs | None = None
    bootloaders: tuple[Bootloader, ...] = ()
    """For each kind of firmware that is found on such machines; the first is the usual one."""
    devicetree: str = ""
    """The machine's own, below the folder of a kernel's; empty where the firmware knows it."""
    boot_files: tuple[str, ...] = ()
    """What the firmware looks for in /boot, and packages must have put there."""
    raw_pieces: tuple[RawPiece, ...] = ()
    kernel_room: int | None = None
    """Bytes from where its U-Boot loads a kernel to where it loads the next file, the initramfs or
    the device tree; None: enough."""
    command_line: tuple[str, ...] = ()
    partition_table: PartitionTable | None = None
    services: tuple[str, ...] = ()
    files: tuple[AddedFile, ...] = ()
    scripts: tuple[Script, ...] = ()
    tested: str = ""
    """How far images of it were tried: in which machine of QEMU's, or what of them was checked."""

    @property
    def installs(self) -> tuple[str, ...]:
        """All packages that the board adds to a root, beside the initramfs maker."""
        return self.kernels + self.packages

    @property
    def boot(self) -> Boot:
        """What of it the image's files and first sectors are made by."""
        pieces = self.raw_pieces
        files, room = self.boot_files, self.kernel_room
        return Boot(self.bootloaders, self.devicetree, files, pieces, self.kernels, room)

    @property
    def firmware(self) -> tuple[Firmware, ...]:
        """The kinds of firmware that start its images, the usual one first."""
        return tuple(loader.firmware for loader in self.bootloaders)
