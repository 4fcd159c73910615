"""Pine64 PINE A64+ (Allwinner A64).

Its U-Boot asks for the device tree of the A64+ on a PINE A64 of 512 MiB, too, for which the script
of its package has another.
"""

from aimager.definitions import Architecture, allwinner, card_board

BOARD = card_board(
    id="pine64",
    name="PINE A64+",
    architecture=Architecture.aarch64,
    distro="archlinuxarm",
    kernel="linux-aarch64",
    u_boot="uboot-pine64",
    raw_pieces=allwinner(),
    console="ttyS0,115200",
)
