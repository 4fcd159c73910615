"""Any 64-bit PC with a BIOS, or with UEFI that can still play one."""

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
    id="x64-legacy",
    name="PC with BIOS",
    architecture=Architecture.x86_64,
    distros=("archlinux",),
    kernels=("linux", "linux-lts"),
    packages=("linux-firmware", "amd-ucode", "intel-ucode", "syslinux", "mtools"),
    initramfs=Initramfs.booster,
    bootloaders=(Bootloader.syslinux,),
    command_line=("console=ttyS0,115200", "console=tty0"),
    partition_table=PartitionTable(Label.dos, (boot_fat(1 * GiB, esp=False), root_ext4())),
    tested="QEMU, SeaBIOS",
)
