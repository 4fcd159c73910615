"""The public names for the authors of boards and distributions: all that their files import.

Other modules may change their names and places from one release to the next; these names stay.

May import: model.
"""

from aimager.model.architecture import Architecture
from aimager.model.board import Board, Bootloader, Firmware, Initramfs, RawPiece
from aimager.model.card_boards import allwinner_board, card_board
from aimager.model.distro import Distro, Keyring, Mirrors, ThirdPartyRepository
from aimager.model.partition import (
    FileSystem,
    GiB,
    Label,
    MiB,
    Partition,
    PartitionTable,
    Role,
    Subvolume,
    boot_fat,
    root_ext4,
)
from aimager.model.settings import AddedFile, Script
from aimager.model.u_boot import (
    allwinner,
    amlogic_g12,
    amlogic_gxbb,
    armada_8k,
    exynos,
    imx,
    imx_spl,
    omap,
    rockchip,
    rockchip_in_two,
)

__all__ = [
    "AddedFile",
    "Architecture",
    "Board",
    "Bootloader",
    "Distro",
    "FileSystem",
    "Firmware",
    "GiB",
    "Initramfs",
    "Keyring",
    "Label",
    "MiB",
    "Mirrors",
    "Partition",
    "PartitionTable",
    "RawPiece",
    "Role",
    "Script",
    "Subvolume",
    "ThirdPartyRepository",
    "allwinner",
    "allwinner_board",
    "amlogic_g12",
    "amlogic_gxbb",
    "armada_8k",
    "boot_fat",
    "card_board",
    "exynos",
    "imx",
    "imx_spl",
    "omap",
    "rockchip",
    "rockchip_in_two",
    "root_ext4",
]
