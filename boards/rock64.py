"""Pine64 ROCK64 (Rockchip RK3328).

Its U-Boot has ramdisk_addr_r 31.5 MiB after kernel_addr_r.
"""

from aimager.definitions import Architecture, MiB, card_board, rockchip_in_two

BOARD = card_board(
    id="rock64",
    name="ROCK64",
    architecture=Architecture.aarch64,
    distro="archlinuxarm",
    kernel="linux-aarch64",
    u_boot="uboot-rock64",
    raw_pieces=rockchip_in_two(),
    console="ttyS2,1500000",
    kernel_room=63 * MiB // 2,
)
