"""LinkSprite pcDuino (Allwinner A10)."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board("pcduino", "pcDuino", u_boot="uboot-pcduino")
