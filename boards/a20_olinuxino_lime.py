"""Olimex A20-OLinuXino-LIME."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    id="a20-olinuxino-lime",
    name="A20-OLinuXino-LIME",
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-a20-olinuxino-lime",
)
