"""Olimex A10-OLinuXino-LIME."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    id="a10-olinuxino-lime",
    name="A10-OLinuXino-LIME",
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-a10-olinuxino-lime",
)
