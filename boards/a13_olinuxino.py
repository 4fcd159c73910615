"""Olimex A13-OLinuXino."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    id="a13-olinuxino",
    name="A13-OLinuXino",
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-a13-olinuxino",
)
