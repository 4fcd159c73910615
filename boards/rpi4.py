"""Raspberry Pi 4 Model B, 400 and Compute Module 4; their first stage is in an EEPROM."""

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
    id="rpi4",
    name="Raspberry Pi 4",
    architecture=Architecture.aarch64,
    distros=("archlinuxarm",),
    kernels=("linux-rpi",),
    packages=("linux-firmware",),
    initramfs=Initramfs.mkinitcpio,
    bootloaders=(Bootloader.raspberry_pi_firmware,),
    boot_files=("start4.elf", "fixup4.dat", "kernel8.img", "bcm2711-rpi-4-b.dtb"),
    partition_table=PartitionTable(Label.dos, (boot_fat(512 * MiB, esp=False), root_ext4())),
    tested="its root on QEMU's virt, its boot partition's files",
)
