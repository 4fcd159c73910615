"""LinkSprite pcDuino3 Nano (Allwinner A20)."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board(
    id="pcduino3-nano",
    name="pcDuino3 Nano",
    distro="archlinuxarm",
    kernel="linux-armv7",
    u_boot="uboot-pcduino3-nano",
)
