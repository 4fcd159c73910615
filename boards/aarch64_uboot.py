"""Any 64-bit Arm board that the mainline kernel knows, with U-Boot in its own flash memory."""

from aimager.definitions import (
    Architecture,
    Board,
    Bootloader,
    GiB,
    Initramfs,
    Label,
    MiB,
    PartitionTable,
    boot_fat,
    root_ext4,
)

BOARD = Board(
    id="aarch64-uboot",
    name="Arm board with U-Boot",
    architecture=Architecture.aarch64,
    distros=("archlinuxarm",),
    kernels=("linux-aarch64",),
    packages=("linux-firmware",),
    initramfs=Initramfs.mkinitcpio,
    bootloaders=(Bootloader.extlinux,),
    command_line=("rootwait", "console=tty0", "console=ttyAMA0,115200"),
    partition_table=PartitionTable(Label.gpt, (boot_fat(1 * GiB), root_ext4()), alignment=16 * MiB),
    tested="QEMU's virt, U-Boot",
)
