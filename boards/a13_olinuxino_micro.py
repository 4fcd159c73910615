"""Olimex A13-OLinuXino-MICRO."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    "a13-olinuxino-micro", "A13-OLinuXino-MICRO", u_boot="uboot-a13-olinuxino-micro"
)
