"""The first MiB of cards of boards that start from them, from files as large as packages have.

Places are those of the dd(1) lines of Arch Linux ARM's packages (archlinuxarm/PKGBUILDs of
2026-08-22, each alarm/uboot-*/*.install or sd_fusing.sh), typed again from them in dd's own units.
"""

import functools
import random
import struct
from dataclasses import dataclass

import pytest

from aimager.image.disk import sfdisk_script
from aimager.image.raw_boot import read_pieces, write_raw
from aimager.model.board import Board
from aimager.model.layout import Extent, disk_size, lay_out
from aimager.model.partition import SECTOR, Label, MiB
from aimager.model.raw_places import check_places
from aimager.sandbox.tree import Tree
from boards import BOARDS
from tests.support.trees import make_disk

SIGNATURE = 0x1A2B3C4D
MBR_CODE, MBR_END = 440, 512
ROOT_SIZE = 64 * MiB


@dataclass(frozen=True)
class Dd:
    """One line: ``dd if=/boot/FILE bs=BS seek=SEEK skip=SKIP count=COUNT``."""

    file: str
    bs: int
    seek: int = 0
    skip: int = 0
    count: int | None = None


SIZES = {
    "SPL": 60_000,
    "u-boot.img": 500_000,
    "u-boot.imx": 400_000,
    "u-boot-dtb.imx": 450_000,
    "u-boot-sunxi-with-spl.bin": 600_000,
    "MLO": 90_000,
    "bl1.bin": 15_360,
    "bl2.bin": 14_592,
    "tzsw.bin": 262_144,
    "bl1.HardKernel": 15_360,
    "bl2.HardKernel": 14_336,
    "tzsw.HardKernel": 159_744,
    "u-boot.bin": 700_000,
    "u-boot.bin.sd.bin": 1_500_000,
    "bl1.bin.hardkernel": 49_152,
    "u-boot.gxbb": 800_000,
    "u-boot-rockchip.bin": 9_500_000,
    "rksd_loader.img": 130_000,
    "u-boot.itb": 900_000,
    "flash-image.bin": 2_500_000,
}
"""Bytes of packages' files: about as many as such files have, and of Samsung's the whole slots
(U-Boot's include/configs/odroid_xu3.h and odroid.h, dfu_alt_info)."""

SUNXI = (Dd("u-boot-sunxi-with-spl.bin", bs=1024, seek=8),)
IMX_SPL = (Dd("SPL", bs=1024, seek=1), Dd("u-boot.img", bs=1024, seek=69))
OMAP = (
    Dd("MLO", bs=128 * 1024, seek=1, count=1),
    Dd("u-boot.img", bs=384 * 1024, seek=1, count=2),
)
HARD_KERNEL = (
    Dd("bl1.HardKernel", bs=512, seek=1),
    Dd("bl2.HardKernel", bs=512, seek=31),
    Dd("u-boot.bin", bs=512, seek=63),
    Dd("tzsw.HardKernel", bs=512, seek=2111),
)

LINES = {
    "uboot-a10-olinuxino-lime": SUNXI,
    "uboot-a10s-olinuxino-micro": SUNXI,
    "uboot-a13-olinuxino": SUNXI,
    "uboot-a13-olinuxino-micro": SUNXI,
    "uboot-a20-olinuxino-lime": SUNXI,
    "uboot-a20-olinuxino-lime2": SUNXI,
    "uboot-a20-olinuxino-micro": SUNXI,
    "uboot-cubieboard": SUNXI,
    "uboot-cubieboard2": SUNXI,
    "uboot-cubietruck": SUNXI,
    "uboot-pcduino": SUNXI,
    "uboot-pcduino3": SUNXI,
    "uboot-pcduino3-nano": SUNXI,
    "uboot-pine64": (Dd("u-boot-sunxi-with-spl.bin", bs=8192, seek=1),),
    "uboot-wandboard": IMX_SPL,
    "uboot-cubox-i": IMX_SPL,
    "uboot-usbarmory": (Dd("u-boot.imx", bs=512, seek=2),),
    "uboot-usbarmory-mkii": (Dd("u-boot-dtb.imx", bs=512, seek=2),),
    "uboot-beaglebone": OMAP,
    "uboot-pandaboard": OMAP,
    "uboot-odroid-xu3": (
        Dd("bl1.bin", bs=512, seek=1),
        Dd("bl2.bin", bs=512, seek=31),
        Dd("u-boot.bin", bs=512, seek=63),
        Dd("tzsw.bin", bs=512, seek=2111),
    ),
    "uboot-odroid": HARD_KERNEL,
    "uboot-odroid-x": HARD_KERNEL,
    "uboot-odroid-n2": (
        Dd("u-boot.bin.sd.bin", bs=1, count=440),
        Dd("u-boot.bin.sd.bin", bs=512, seek=1, skip=1),
    ),
    "uboot-odroid-c2-mainline": (
        # The package counts 442, two of which are the table's.
        Dd("bl1.bin.hardkernel", bs=1, count=440),
        Dd("bl1.bin.hardkernel", bs=512, seek=1, skip=1),
        Dd("u-boot.gxbb", bs=512, seek=97),
    ),
    "uboot-odroid-m1": (Dd("u-boot-rockchip.bin", bs=512, seek=64),),
    "uboot-rock64": (
        Dd("rksd_loader.img", bs=512, seek=64),
        Dd("u-boot.itb", bs=512, seek=16384),
    ),
    "uboot-macchiatobin": (Dd("flash-image.bin", bs=512, seek=4096),),
}
"""By package: what is done by hand to write it to a card."""

CARDS = {board.id: board for board in BOARDS.values() if board.raw_pieces}


def package(board: Board) -> str:
    (found,) = (name for name in board.packages if name.startswith("uboot-"))
    return found


@functools.cache
def content(file: str) -> bytes:
    return random.Random(file).randbytes(SIZES[file])


def write_by_hand(lines: tuple[Dd, ...]) -> dict[int, bytes]:
    """What dd would write, by the byte where it begins."""
    written = {}
    for line in lines:
        data = content(line.file)[line.skip * line.bs :]
        end = None if line.count is None else line.count * line.bs
        written[line.seek * line.bs] = data[:end]
    return written


@dataclass(frozen=True)
class Card:
    """A board's disk up to its first partition, which is its ``root``."""

    board: Board
    head: bytes
    root: Extent


@pytest.fixture(scope="module", params=CARDS.values(), ids=list(CARDS))
def card(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Card:
    """The disk with an empty root, made by the functions that make an image's."""
    board: Board = request.param
    folder = tmp_path_factory.mktemp(board.id)
    (folder / "boot").mkdir()
    for line in LINES[package(board)]:
        (folder / "boot" / line.file).write_bytes(content(line.file))
    raws = read_pieces(Tree(folder), board.raw_pieces)
    table = board.partition_table
    assert table
    assert board.architecture
    (root,) = extents = lay_out(table, [ROOT_SIZE])
    check_places(table, extents, [raw.place for raw in raws])
    script = sfdisk_script(
        table,
        extents,
        disk_id=f"{SIGNATURE:08x}",
        partition_uuids=[],
        architecture=board.architecture,
    )
    image = folder / "disk.img"
    make_disk(image, script, (), size=disk_size(table, extents))
    write_raw(image, raws)
    with image.open("rb") as disk:
        return Card(board, disk.read(root.start), root)


def test_every_such_board_is_told_here() -> None:
    assert {package(board) for board in CARDS.values()} == set(LINES)


def test_a_card_begins_as_the_package_writes_it(card: Card) -> None:
    """Byte for byte, with nothing but the table and zeros between U-Boot's parts."""
    expected = bytearray(card.root.start)
    expected[MBR_CODE:MBR_END] = card.head[MBR_CODE:MBR_END]
    for start, data in write_by_hand(LINES[package(card.board)]).items():
        place = slice(start, start + len(data))
        assert place.stop <= card.root.start, "the root is not written over"
        if start >= MBR_END:
            assert not any(expected[place]), "no line writes over another's bytes"
        expected[place] = data
    same = card.head == expected
    assert same


def test_the_table_stays_whole(card: Card) -> None:
    """A DOS label has its id at byte 440, four entries from 446 on, and its mark at 510."""
    assert card.board.partition_table
    assert card.board.partition_table.label is Label.dos
    sector = card.head[:MBR_END]
    assert struct.unpack_from("<IH", sector, MBR_CODE) == (SIGNATURE, 0)
    active, kind, start, size = struct.unpack_from("<B3xB3xII", sector, 446)
    assert (active, kind) == (0x80, 0x83), "U-Boot takes the active one"
    assert (start * SECTOR, size * SECTOR) == (card.root.start, card.root.size)
    assert sector[462:510] == bytes(48)
    assert sector[510:] == b"\x55\xaa"
