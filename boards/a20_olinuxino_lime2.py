"""Olimex A20-OLinuXino-LIME2."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    id="a20-olinuxino-lime2",
    name="A20-OLinuXino-LIME2",
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-a20-olinuxino-lime2",
)
