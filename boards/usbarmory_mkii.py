"""USB armory Mk II (NXP i.MX6UL).

Its U-Boot has fdt_addr_r 24 MiB after kernel_addr_r.
"""

from aimager.definitions import Architecture, MiB, card_board, imx

BOARD = card_board(
    id="usbarmory-mkii",
    name="USB armory Mk II",
    architecture=Architecture.armv7h,
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-usbarmory-mkii",
    raw_pieces=imx(file="u-boot-dtb.imx"),
    console="ttymxc1,115200",
    kernel_room=24 * MiB,
)
