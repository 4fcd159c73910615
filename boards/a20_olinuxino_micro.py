"""Olimex A20-OLinuXino-MICRO."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    id="a20-olinuxino-micro",
    name="A20-OLinuXino-MICRO",
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-a20-olinuxino-micro",
)
