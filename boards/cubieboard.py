"""Cubieboard (Allwinner A10)."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board("cubieboard", "Cubieboard", u_boot="uboot-cubieboard")
