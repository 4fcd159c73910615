"""SolidRun CuBox-i and HummingBoard (NXP i.MX6).

Its U-Boot has ramdisk_addr_r 16 MiB after kernel_addr_r.
"""

from aimager.definitions import Architecture, MiB, card_board, imx_spl

BOARD = card_board(
    id="cubox-i",
    name="CuBox-i",
    architecture=Architecture.armv7h,
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-cubox-i",
    raw_pieces=imx_spl(),
    console="ttymxc0,115200",
    kernel_room=16 * MiB,
)
