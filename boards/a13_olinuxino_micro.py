"""Olimex A13-OLinuXino-MICRO."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    id="a13-olinuxino-micro",
    name="A13-OLinuXino-MICRO",
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-a13-olinuxino-micro",
)
