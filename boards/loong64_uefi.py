"""Any 64-bit LoongArch machine with UEFI (the new world's firmware)."""

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
    id="loong64-uefi",
    name="LoongArch machine with UEFI",
    architecture=Architecture.loong64,
    distros=("loongarchlinux",),
    kernels=("linux", "linux-lts"),
    packages=("linux-firmware",),
    initramfs=Initramfs.mkinitcpio,
    bootloaders=(Bootloader.systemd_boot,),
    command_line=("rootwait", "console=tty0", "console=ttyS0,115200"),
    partition_table=PartitionTable(Label.gpt, (boot_fat(1 * GiB), root_ext4())),
    tested="QEMU 10's virt, UEFI",
)
