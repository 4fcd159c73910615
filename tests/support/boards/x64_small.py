"""The board x64-uefi with a smaller kernel and ESP: what is built so often is to be built soon."""

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
    id="x64-small",
    name="PC with UEFI, small",
    architecture=Architecture.x86_64,
    distros=("archlinux",),
    kernels=("linux-lts",),
    packages=("linux-firmware", "amd-ucode"),
    initramfs=Initramfs.booster,
    bootloaders=(Bootloader.systemd_boot,),
    command_line=("console=ttyS0,115200", "console=tty0"),
    partition_table=PartitionTable(Label.gpt, (boot_fat(256 * MiB), root_ext4())),
)
