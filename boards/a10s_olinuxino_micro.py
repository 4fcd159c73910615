"""Olimex A10S-OLinuXino-MICRO."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    id="a10s-olinuxino-micro",
    name="A10S-OLinuXino-MICRO",
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-a10s-olinuxino-micro",
)
