"""LinkSprite pcDuino3 (Allwinner A20)."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    id="pcduino3",
    name="pcDuino3",
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-pcduino3",
)
