"""Olimex A10-OLinuXino-LIME."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    "a10-olinuxino-lime", "A10-OLinuXino-LIME", u_boot="uboot-a10-olinuxino-lime"
)
