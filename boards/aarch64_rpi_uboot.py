"""Raspberry Pi 3 and 4 with the mainline kernel: their firmware starts U-Boot, and that the kernel.

U-Boot takes extlinux.conf before the script that comes with its package [U].
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
    id="aarch64-rpi-uboot",
    name="Raspberry Pi with U-Boot",
    architecture=Architecture.aarch64,
    distros=("archlinuxarm",),
    kernels=("linux-aarch64",),
    packages=("raspberrypi-bootloader", "uboot-raspberrypi", "firmware-raspberrypi"),
    initramfs=Initramfs.mkinitcpio,
    bootloaders=(Bootloader.raspberry_pi_firmware, Bootloader.extlinux),
    boot_files=("bootcode.bin", "start.elf", "start4.elf", "kernel8.img"),
    command_line=("rootwait", "console=tty0", "console=ttyS1,115200"),
    partition_table=PartitionTable(Label.dos, (boot_fat(512 * MiB, esp=False), root_ext4())),
    tested="the files of its boot partition",
)
