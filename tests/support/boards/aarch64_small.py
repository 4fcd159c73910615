"""The board aarch64-uefi with a smaller ESP."""

from aimager.definitions import (
    Architecture,
    Board,
    Bootloader,
    Initramfs,
    Label,
    MiB,
    PartitionTable,
    boot_fat,
    root_ext4,
)

BOARD = Board(
    id="aarch64-small",
    name="Arm machine with UEFI, small",
    architecture=Architecture.aarch64,
    distros=("archlinuxarm",),
    kernels=("linux-aarch64",),
    packages=("linux-firmware",),
    initramfs=Initramfs.mkinitcpio,  # linux-aarch64 depends on it
    bootloaders=(Bootloader.systemd_boot,),
    command_line=("console=tty0", "console=ttyAMA0,115200"),
    partition_table=PartitionTable(Label.gpt, (boot_fat(256 * MiB), root_ext4())),
)
