"""Cubieboard (Allwinner A10)."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    id="cubieboard",
    name="Cubieboard",
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-cubieboard",
)
