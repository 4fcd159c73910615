"""Olimex A20-OLinuXino-MICRO."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    "a20-olinuxino-micro", "A20-OLinuXino-MICRO", u_boot="uboot-a20-olinuxino-micro"
)
