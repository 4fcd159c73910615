"""Hardkernel ODROID-XU3, XU4, HC1 and HC2 (Samsung Exynos 5422), from a card.

Its U-Boot has fdt_addr_r 16 MiB after kernel_addr_r, and saves variables at 3136 KiB.
"""

from aimager.definitions import Architecture, MiB, card_board, exynos

BOARD = card_board(
    id="odroid-xu3",
    name="ODROID-XU3",
    architecture=Architecture.armv7h,
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-odroid-xu3",
    raw_pieces=exynos(),
    console="ttySAC2,115200n8",
    kernel_room=16 * MiB,
)
