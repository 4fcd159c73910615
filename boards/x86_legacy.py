"""Any 32-bit PC of the i686 kind, with a BIOS.

Which kernels and microcode Arch Linux 32 has today is not verified [U].
"""

from aimager.definitions import (
    Architecture,
    Board,
    Bootloader,
    GiB,
    Initramfs,
    Label,
    PartitionTable,
    boot_fat,
    root_ext4,
)

BOARD = Board(
    id="x86-legacy",
    name="32-bit PC with BIOS",
    architecture=Architecture.i686,
    distros=("archlinux32",),
    kernels=("linux", "linux-lts"),
    packages=("linux-firmware", "amd-ucode", "intel-ucode", "syslinux", "mtools"),
    initramfs=Initramfs.mkinitcpio,
    bootloaders=(Bootloader.syslinux,),
    command_line=("console=ttyS0,115200", "console=tty0"),
    partition_table=PartitionTable(Label.dos, (boot_fat(1 * GiB, esp=False), root_ext4())),
    tested="QEMU, SeaBIOS",
)
