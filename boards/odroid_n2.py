"""Hardkernel ODROID-N2 and N2+ (Amlogic S922X)."""

from aimager.definitions import Architecture, amlogic_g12, card_board

BOARD = card_board(
    id="odroid-n2",
    name="ODROID-N2",
    architecture=Architecture.aarch64,
    distro="archlinuxarm",
    kernel="linux-aarch64",
    u_boot="uboot-odroid-n2",
    raw_pieces=amlogic_g12(),
    console="ttyAML0,115200",
)
