"""TV boxes with Amlogic S905 and later, started from a card or a USB disk by mainline U-Boot.

The device tree has to be the box's: give its name to devicetree here before building. The vendor's
own U-Boot reads other files (s905_autoscript, uEnv.txt), which are not made. For the reason told
in orangepi_5_family.py, linux-firmware-amlogic-ophub-git is left out.
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
    id="amlogic-s9xxx",
    name="Amlogic S9xxx TV box",
    architecture=Architecture.aarch64,
    distros=("archlinuxarm",),
    repositories=("7Ji",),
    kernels=("linux-aarch64-7ji",),
    packages=("linux-firmware",),
    initramfs=Initramfs.booster,
    bootloaders=(Bootloader.extlinux,),
    devicetree="amlogic/PLEASE_SET_ME.dtb",
    command_line=("rootwait", "console=ttyAML0,115200", "console=tty0"),
    partition_table=PartitionTable(
        Label.dos, (boot_fat(256 * MiB), root_ext4()), alignment=4 * MiB
    ),
    tested="not tried: its kernel is third-party",
)
