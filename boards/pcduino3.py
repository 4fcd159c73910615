"""LinkSprite pcDuino3 (Allwinner A20)."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board("pcduino3", "pcDuino3", u_boot="uboot-pcduino3")
