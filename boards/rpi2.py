"""Raspberry Pi 2 Model B, in 32-bit mode."""

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
    id="rpi2",
    name="Raspberry Pi 2",
    architecture=Architecture.armv7h,
    distros=("archlinuxarm",),
    kernels=("linux-rpi",),
    packages=("linux-firmware",),
    initramfs=Initramfs.mkinitcpio,
    bootloaders=(Bootloader.raspberry_pi_firmware,),
    boot_files=("bootcode.bin", "start.elf", "fixup.dat", "kernel7.img", "bcm2709-rpi-2-b.dtb"),
    partition_table=PartitionTable(Label.dos, (boot_fat(512 * MiB, esp=False), root_ext4())),
    tested="QEMU's raspi2b, but for the Pi's firmware",
)
