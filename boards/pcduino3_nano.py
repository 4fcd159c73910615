"""LinkSprite pcDuino3 Nano (Allwinner A20)."""

from aimager.definitions import allwinner_board

BOARD = allwinner_board("pcduino3-nano", "pcDuino3 Nano", u_boot="uboot-pcduino3-nano")
