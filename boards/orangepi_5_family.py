"""Orange Pi 5, 5B and 5 Plus, with U-Boot or EDK II in their SPI flash memory.

Their U-Boot knows only GPT and takes the EFI system partition. The gap before it is for a boot
loader on the card itself. Serial is ttyFIQ0 with the vendor's kernels; names of kernels and its
speed are unverified [U]. linux-firmware-joshua-git is left out: its recipe spares what the package
linux-firmware owns itself, but since 2025 that is in several others, which own the same files.
"""

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
    id="orangepi-5-family",
    name="Orange Pi 5 family",
    architecture=Architecture.aarch64,
    distros=("archlinuxarm",),
    repositories=("7Ji",),
    kernels=(
        "linux-aarch64-rockchip-bsp6.1-joshua-git",
        "linux-aarch64-rockchip-rk3588-bsp5.10-orangepi-git",
        "linux-aarch64-7ji",
    ),
    packages=("linux-firmware",),
    initramfs=Initramfs.booster,
    bootloaders=(Bootloader.extlinux, Bootloader.systemd_boot),
    command_line=("rootwait", "console=tty1", "console=ttyFIQ0,1500000", "console=ttyS2,1500000"),
    partition_table=PartitionTable(Label.gpt, (boot_fat(1 * GiB), root_ext4()), alignment=16 * MiB),
    tested="not tried: its kernels are third-party",
)
