"""Hardkernel ODROID-X (Samsung Exynos 4412), from a card.

Its U-Boot has fdt_addr_r 16 MiB after kernel_addr_r, and saves variables at 1280 KiB.
"""

from aimager.definitions import Architecture, MiB, card_board, exynos

BOARD = card_board(
    id="odroid-x",
    name="ODROID-X",
    architecture=Architecture.armv7h,
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-odroid-x",
    raw_pieces=exynos(suffix="HardKernel"),
    console="ttySAC1,115200n8",
    kernel_room=16 * MiB,
)
