"""Raspberry Pi 5, 500 and Compute Module 5; all of their firmware is in an EEPROM.

They look for kernel_2712.img first and take kernel8.img where there is none [U].
"""

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
    id="rpi5",
    name="Raspberry Pi 5",
    architecture=Architecture.aarch64,
    distros=("archlinuxarm",),
    kernels=("linux-rpi",),
    packages=("linux-firmware",),
    initramfs=Initramfs.mkinitcpio,
    bootloaders=(Bootloader.raspberry_pi_firmware,),
    boot_files=("kernel8.img", "bcm2712-rpi-5-b.dtb"),
    partition_table=PartitionTable(Label.dos, (boot_fat(512 * MiB, esp=False), root_ext4())),
    tested="the files of its boot partition",
)
