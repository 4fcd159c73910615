"""Any 64-bit RISC-V machine with UEFI.

That the port's vmlinuz is one that EFI can start is unverified [U].
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
    id="riscv64-uefi",
    name="RISC-V machine with UEFI",
    architecture=Architecture.riscv64,
    distros=("archriscv",),
    kernels=("linux", "linux-lts"),
    packages=("linux-firmware",),
    initramfs=Initramfs.mkinitcpio,
    bootloaders=(Bootloader.systemd_boot,),
    command_line=("rootwait", "console=tty0", "console=ttyS0,115200"),
    partition_table=PartitionTable(Label.gpt, (boot_fat(1 * GiB), root_ext4())),
    tested="QEMU 10's virt, UEFI",
)
