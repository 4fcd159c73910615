"""Pine64 ROCK64 (Rockchip RK3328), with U-Boot on the card, between table and first partition.

Its U-Boot has ramdisk_addr_r 31.5 MiB after kernel_addr_r. The names of U-Boot's files are those of
its package's scriptlet; their folder is unverified [U].
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
    rockchip_in_two,
    root_ext4,
)

BOARD = Board(
    id="rock64",
    name="ROCK64",
    architecture=Architecture.aarch64,
    distros=("archlinuxarm",),
    kernels=("linux-aarch64",),
    packages=("linux-firmware", "uboot-rock64"),
    initramfs=Initramfs.mkinitcpio,
    bootloaders=(Bootloader.extlinux,),
    raw_pieces=rockchip_in_two(),
    kernel_room=63 * MiB // 2,
    command_line=("rootwait", "console=ttyS2,1500000", "console=tty1"),
    partition_table=PartitionTable(Label.gpt, (boot_fat(1 * GiB), root_ext4()), alignment=16 * MiB),
    tested="not tried: no such machine in QEMU",
)
