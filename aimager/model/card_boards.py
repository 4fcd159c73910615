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


def card_board(
    id: str,
    name: str,
    architecture: Architecture,
    distro: str,
    kernel: str,
    u_boot: str,
    raw_pieces: tuple[RawPiece, ...],
    console: str,
    *,
    devicetree: str = "",
    kernel_room: int | None = None,
) -> Board:
    """A board with U-Boot on its card: the files ``raw_pieces`` of the package ``u_boot``.

    ``console`` is its serial line, as the kernel's command line names it. The DOS label leaves free
    what a GPT would take, and the first 16 MiB are for U-Boot and what it may save there.
    """
    return Board(
        id=id,
        name=name,
        architecture=architecture,
        distros=(distro,),
        kernels=(kernel,),
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


def allwinner_board(id: str, name: str, distro: str, kernel: str, u_boot: str) -> Board:
    """One with a 32-bit Allwinner, an A10 to A20: they differ in U-Boot alone.

    It has fdt_addr_r 16 MiB after kernel_addr_r (its include/configs/sunxi-common.h).
    """
    return card_board(
        id,
        name,
        Architecture.armv7h,
        distro,
        kernel,
        u_boot,
        allwinner(),
        "ttyS0,115200",
        kernel_room=16 * MiB,
    )
