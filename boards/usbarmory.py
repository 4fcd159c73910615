"""USB armory (NXP i.MX53).

Its U-Boot, of 2016.11, has fdt_addr_r 8 MiB after kernel_addr_r.
"""

from aimager.definitions import Architecture, MiB, card_board, imx

BOARD = card_board(
    id="usbarmory",
    name="USB armory",
    architecture=Architecture.armv7h,
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-usbarmory",
    raw_pieces=imx(),
    console="ttymxc0,115200",
    kernel_room=8 * MiB,
)
