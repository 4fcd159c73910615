"""BeagleBone and BeagleBone Black (TI AM335x).

Its kernel has SERIAL_8250_OMAP, and calls ttyS0 what U-Boot's package calls ttyO0.
"""

from aimager.definitions import Architecture, card_board, omap

BOARD = card_board(
    id="beaglebone",
    name="BeagleBone",
    architecture=Architecture.armv7h,
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-beaglebone",
    raw_pieces=omap(),
    console="ttyS0,115200n8",
)
