"""Cubietruck, or Cubieboard 3 (Allwinner A20)."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board("cubietruck", "Cubietruck", u_boot="uboot-cubietruck")
