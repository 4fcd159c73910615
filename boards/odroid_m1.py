"""Hardkernel ODROID-M1 (Rockchip RK3568). Its serial line is unverified [U]."""

from aimager.definitions import Architecture, card_board, rockchip

BOARD = card_board(
    id="odroid-m1",
    name="ODROID-M1",
    architecture=Architecture.aarch64,
    distro="archlinuxarm",
    kernel="linux-aarch64",
    u_boot="uboot-odroid-m1",
    raw_pieces=rockchip(),
    console="ttyS2,1500000",
)
