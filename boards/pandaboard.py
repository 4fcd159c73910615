"""PandaBoard and PandaBoard ES (TI OMAP4).

Its kernel has SERIAL_8250_OMAP, and calls ttyS2 what U-Boot's package calls ttyO2.
"""

from aimager.definitions import Architecture, card_board, omap

BOARD = card_board(
    id="pandaboard",
    name="PandaBoard",
    architecture=Architecture.armv7h,
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-pandaboard",
    raw_pieces=omap(),
    console="ttyS2,115200n8",
)
