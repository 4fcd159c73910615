"""Cubietruck, or Cubieboard 3 (Allwinner A20)."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    id="cubietruck",
    name="Cubietruck",
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-cubietruck",
)
