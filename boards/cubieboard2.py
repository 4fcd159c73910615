"""Cubieboard 2 (Allwinner A20)."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    id="cubieboard2",
    name="Cubieboard 2",
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-cubieboard2",
)
