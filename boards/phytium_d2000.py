"""Phytium D2000 machines, which have UEFI.

That the kernel for them is at 7Ji's was read in a build recipe of 2025 [U].
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
    id="phytium-d2000",
    name="Phytium D2000",
    architecture=Architecture.aarch64,
    distros=("archlinuxarm",),
    repositories=("7Ji",),
    kernels=("linux-aarch64-phytium-git", "linux-aarch64-7ji"),
    packages=("linux-firmware",),
    initramfs=Initramfs.booster,
    bootloaders=(Bootloader.systemd_boot,),
    command_line=("console=tty0", "console=ttyAMA1,115200"),
    partition_table=PartitionTable(Label.gpt, (boot_fat(1 * GiB), root_ext4())),
    tested="not tried: its kernels are third-party",
)
