"""Any 64-bit Arm machine with UEFI: servers, virtual machines, boards with EDK II."""

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
    id="aarch64-uefi",
    name="Arm machine with UEFI",
    architecture=Architecture.aarch64,
    distros=("archlinuxarm",),
    kernels=("linux-aarch64",),
    packages=("linux-firmware",),
    initramfs=Initramfs.mkinitcpio,  # linux-aarch64 depends on it
    bootloaders=(Bootloader.systemd_boot,),
    command_line=("console=tty0", "console=ttyAMA0,115200"),
    partition_table=PartitionTable(Label.gpt, (boot_fat(1 * GiB), root_ext4())),
    tested="QEMU, UEFI",
)
