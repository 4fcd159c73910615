"""Olimex A13-OLinuXino."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board("a13-olinuxino", "A13-OLinuXino", u_boot="uboot-a13-olinuxino")
