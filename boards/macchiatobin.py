"""SolidRun MACCHIATObin (Marvell Armada 8040).

Its U-Boot names the device tree without its folder, and has ramdisk_addr_r 48 MiB after
kernel_addr_r.
"""

from aimager.definitions import Architecture, MiB, armada_8k, card_board

BOARD = card_board(
    id="macchiatobin",
    name="MACCHIATObin",
    architecture=Architecture.aarch64,
    distro="archlinuxarm",
    kernel="linux-aarch64",
    u_boot="uboot-macchiatobin",
    raw_pieces=armada_8k(),
    console="ttyS0,115200",
    devicetree="marvell/armada-8040-mcbin.dtb",
    kernel_room=48 * MiB,
)
