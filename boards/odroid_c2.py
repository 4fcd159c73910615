"""Hardkernel ODROID-C2 (Amlogic S905), with mainline U-Boot; the vendor's reads boot.ini alone."""

from aimager.definitions import Architecture, amlogic_gxbb, card_board

BOARD = card_board(
    id="odroid-c2",
    name="ODROID-C2",
    architecture=Architecture.aarch64,
    distro="archlinuxarm",
    kernel="linux-aarch64",
    u_boot="uboot-odroid-c2-mainline",
    raw_pieces=amlogic_gxbb(file="u-boot.gxbb"),
    console="ttyAML0,115200n8",
)
