"""Olimex A10S-OLinuXino-MICRO."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    "a10s-olinuxino-micro", "A10S-OLinuXino-MICRO", u_boot="uboot-a10s-olinuxino-micro"
)
