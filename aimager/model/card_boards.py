"""Boards that start from a card alone, laid out as Arch Linux ARM lays out cards for its own.

The chip reads U-Boot from before the first partition, and U-Boot all else out of that partition,
which is the root: it looks for /extlinux/extlinux.conf and /boot/extlinux/extlinux.conf before it
takes the package's own boot.scr, which has the names of one kernel (its doc/develop/distro.rst).

U-Boot reads ext4 as it is made here since 2016.11: with the feature 64bit, 2016.09 refuses it, and
earlier ones misread it (its commits fc214ef9091 and 6f94ab6656c). It does not look at the checksums
of metadata_csum when it reads.
"""

from aimager.model.architecture import Architecture
from aimager.model.board import Board, Bootloader, Initramfs, RawPiece
from aimager.model.partition import Label, MiB, PartitionTable, root_ext4
from aimager.model.u_boot import allwinner

_KERNELS = {Architecture.aarch64: "linux-aarch64", Architecture.armv7h: "linux-armv7"}


def card_board(
    id: str,
    name: str,
    architecture: Architecture,
    u_boot: str,
    raw_pieces: tuple[RawPiece, ...],
    console: str,
    *,
    devicetree: str = "",
    kernel_room: int | None = None,
) -> Board:
    """A board of Arch Linux ARM's with U-Boot, out of the package ``u_boot``, on its card.

    ``console`` is its serial line, as the kernel's command line names it. The DOS label leaves free
    what a GPT would take, and the first 16 MiB are for U-Boot and what it may save there.

    :raises ValueError: when Arch Linux ARM has no kernel for the architecture
    """
    if architecture not in _KERNELS:
        raise ValueError(f"Arch Linux ARM has no kernel for {architecture}")
    return Board(
        id=id,
        name=name,
        architecture=architecture,
        distros=("archlinuxarm",),
        kernels=(_KERNELS[architecture],),
        packages=("linux-firmware", u_boot),
        initramfs=Initramfs.mkinitcpio,
        bootloaders=(Bootloader.extlinux,),
        devicetree=devicetree,
        raw_pieces=raw_pieces,
        kernel_room=kernel_room,
        command_line=("rootwait", "console=tty1", f"console={console}"),
        partition_table=PartitionTable(Label.dos, (root_ext4(),), alignment=16 * MiB),
        tested="not tried, but for the first MiB of its card",
    )


def allwinner_board(id: str, name: str, u_boot: str) -> Board:
    """One with a 32-bit Allwinner, an A10 to A20: they differ in U-Boot alone.

    U-Boot has fdt_addr_r 16 MiB after kernel_addr_r (its include/configs/sunxi-common.h).
    """
    return card_board(
        id,
        name,
        Architecture.armv7h,
        u_boot,
        allwinner(),
        "ttyS0,115200",
        kernel_room=16 * MiB,
    )
