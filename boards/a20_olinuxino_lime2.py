"""Olimex A20-OLinuXino-LIME2."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    "a20-olinuxino-lime2", "A20-OLinuXino-LIME2", u_boot="uboot-a20-olinuxino-lime2"
)
