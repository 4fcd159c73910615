"""Olimex A20-OLinuXino-LIME."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    "a20-olinuxino-lime", "A20-OLinuXino-LIME", u_boot="uboot-a20-olinuxino-lime"
)
