"""Raspberry Pi 3 Models B, B+ and A+, in 64-bit mode."""

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
    id="rpi3",
    name="Raspberry Pi 3",
    architecture=Architecture.aarch64,
    distros=("archlinuxarm",),
    kernels=("linux-rpi",),
    packages=("linux-firmware",),
    initramfs=Initramfs.mkinitcpio,
    bootloaders=(Bootloader.raspberry_pi_firmware,),
    boot_files=("bootcode.bin", "start.elf", "fixup.dat", "kernel8.img", "bcm2710-rpi-3-b.dtb"),
    partition_table=PartitionTable(Label.dos, (boot_fat(512 * MiB, esp=False), root_ext4())),
    tested="QEMU's raspi3b, but for the Pi's firmware",
)
