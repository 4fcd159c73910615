"""LinkSprite pcDuino (Allwinner A10)."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    id="pcduino",
    name="pcDuino",
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-pcduino",
)
