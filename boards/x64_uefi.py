"""Any 64-bit PC with UEFI, Secure Boot switched off."""

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
    id="x64-uefi",
    name="PC with UEFI",
    architecture=Architecture.x86_64,
    distros=("archlinux",),
    kernels=("linux", "linux-lts"),
    packages=("linux-firmware", "amd-ucode", "intel-ucode"),
    initramfs=Initramfs.booster,
    bootloaders=(Bootloader.systemd_boot,),
    command_line=("console=ttyS0,115200", "console=tty0"),
    partition_table=PartitionTable(Label.gpt, (boot_fat(1 * GiB), root_ext4())),
    tested="QEMU, UEFI",
)
