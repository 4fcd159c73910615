"""Cubieboard 2 (Allwinner A20)."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board("cubieboard2", "Cubieboard 2", u_boot="uboot-cubieboard2")
