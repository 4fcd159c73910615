"""Any 64-bit RISC-V board that the mainline kernel knows, with OpenSBI and U-Boot in its flash.

That the port's vmlinuz is an Image, plain or packed, that U-Boot can start is unverified [U].
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
    id="riscv64-uboot",
    name="RISC-V board with U-Boot",
    architecture=Architecture.riscv64,
    distros=("archriscv",),
    kernels=("linux", "linux-lts"),
    packages=("linux-firmware",),
    initramfs=Initramfs.mkinitcpio,
    bootloaders=(Bootloader.extlinux,),
    command_line=("rootwait", "console=tty0", "console=ttyS0,115200"),
    partition_table=PartitionTable(Label.gpt, (boot_fat(1 * GiB), root_ext4()), alignment=16 * MiB),
    tested="QEMU's virt, OpenSBI and U-Boot",
)
