"""Boot loaders outside file systems lie on nothing else, which is seen before all is made."""

from dataclasses import replace

import pytest

from aimager.errors import ConfigError
from aimager.model import u_boot
from aimager.model.board import RawPiece
from aimager.model.layout import Extent, label_extent, lay_out
from aimager.model.partition import SECTOR, Label, MiB, PartitionTable, boot_fat, root_ext4
from aimager.model.raw_places import Place, check_pieces, check_places
from aimager.model.sfdisk_table import read_table

RK3399 = """\
label: gpt
start=64, size=8000, name="loader1"
start=16384, size=8192, name="loader2"
start=24576, size=8192, name="trust"
aimager@boot: start=32768, size=512MiB
aimager@root:
"""
IN_THREE = (
    RawPiece("boot/idbloader.img", 64 * SECTOR),
    RawPiece("boot/uboot.img", 16384 * SECTOR),
    RawPiece("boot/trust.img", 24576 * SECTOR),
)
"""Where RK3399's loaders lie, by the partitions of its vendor's tables."""


def check(table: PartitionTable, *extents: Extent) -> None:
    sizes = [partition.size or MiB for partition in table.partitions]
    places = [Place(f"boot/{n}.bin", extent) for n, extent in enumerate(extents)]
    check_places(table, lay_out(table, sizes), places)


def plain(label: Label, entries: int = 128) -> PartitionTable:
    return PartitionTable(label, (boot_fat(MiB), root_ext4()), entries=entries)


@pytest.mark.parametrize(
    ("table", "offset", "size"),
    [
        (plain(Label.dos), 0, 440),
        (plain(Label.dos), 512, MiB - 512),
        (plain(Label.gpt), 0, 440),
        (plain(Label.gpt), 34 * 512, 512),
        (plain(Label.gpt, 56), 8192, 100_000),
        (read_table(RK3399), 64 * SECTOR, 8000 * SECTOR),
        (read_table(RK3399), 64 * SECTOR, 9 * MiB),
        (read_table(RK3399), 64 * SECTOR, (24576 + 8192 - 64) * SECTOR),
    ],
)
def test_room(table: PartitionTable, offset: int, size: int) -> None:
    check(table, Extent(offset, size))


@pytest.mark.parametrize(
    ("table", "offset", "size", "told"),
    [
        (plain(Label.dos), 0, 441, "at byte 0 of the disk, overlaps the partition table"),
        (plain(Label.dos), 511, 2, "overlaps the partition table"),
        # Where Allwinner's chips look first.
        (plain(Label.gpt), 8192, 1, "at byte 8192 of the disk, overlaps the partition table"),
        (plain(Label.gpt, 60), 8192, 1, "overlaps the partition table"),
        (plain(Label.dos), 8192, MiB, "ends at byte 1056768, but the boot partition starts at"),
        (plain(Label.dos), 8 * MiB, 1, "lies after the last partition"),
        (read_table(RK3399), 64 * SECTOR, 8001 * SECTOR, "but partition 1, which it lies in, has"),
        (read_table(RK3399), 63 * SECTOR, 2 * SECTOR, "but partition 1, which it lies in, has"),
    ],
)
def test_no_room(table: PartitionTable, offset: int, size: int, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        check(table, Extent(offset, size))
    assert caught.value.hint


def test_pieces_on_one_another() -> None:
    with pytest.raises(ConfigError, match=r"overlaps /boot/0\.bin"):
        check(plain(Label.dos), Extent(8192, 1000), Extent(9191, 10))
    check(plain(Label.dos), Extent(8192, 1000), Extent(9192, 10))


@pytest.mark.parametrize(
    ("pieces", "text", "told"),
    [
        (IN_THREE, RK3399, ""),
        (u_boot.rockchip_in_two(), RK3399, ""),
        (u_boot.rockchip(), RK3399, ""),
        (u_boot.rockchip(), "label: gpt; aimager@root: start=16MiB", ""),
        (u_boot.rockchip(), "label: gpt; aimager@root: start=8MiB", "the root partition"),
        (
            u_boot.rockchip(),
            "label: dos; size=8000, start=64; aimager@root: start=9MiB",
            "partition 1",
        ),
        (u_boot.allwinner(), "label: gpt; table-length: 56; aimager@root: start=1MiB", ""),
        (u_boot.allwinner(), "label: gpt; aimager@root: start=16MiB", "the partition table"),
        (u_boot.amlogic_g12(), "label: gpt; table-length: 1; aimager@root:", "the partition table"),
        (u_boot.rockchip_in_two(), "label: gpt; aimager@boot: size=1G; aimager@root:", "the boot"),
        (IN_THREE, RK3399.replace("start=24576, size=8192", "start=25000, size=100"), ""),
        (IN_THREE, "label: gpt; aimager@boot: size=9M; aimager@root:", "the boot partition"),
    ],
)
def test_what_the_places_alone_tell(pieces: tuple[RawPiece, ...], text: str, told: str) -> None:
    if not told:
        check_pieces(read_table(text), pieces)
        return
    with pytest.raises(ConfigError, match=told):
        check_pieces(read_table(text), pieces)


@pytest.mark.parametrize(
    "piece",
    [
        RawPiece("boot/x", -1),
        RawPiece("boot/x", 8192, skip=-1),
        RawPiece("boot/x", 8192, size=0),
        RawPiece("boot/x", 8192, size=-5),
        RawPiece("boot/x", 8192, least=0),
    ],
)
def test_a_piece_of_nothing(piece: RawPiece) -> None:
    with pytest.raises(ConfigError, match=r"the boot loader /boot/x has [a-z]+=(-|0)") as caught:
        check_pieces(plain(Label.dos), (piece,))
    assert caught.value.hint.endswith(" or more")


@pytest.mark.parametrize(
    "numbers",
    [
        {"alignment": 0},
        {"alignment": 1000},
        {"alignment": -MiB},
        {"alignment": 1 << 100},
        {"first_lba": -1},
        {"first_lba": 1 << 100},
        {"last_lba": 1 << 100},
        {"entries": 0},
        {"entries": 1 << 40},
    ],
)
@pytest.mark.parametrize("label", list(Label))
def test_numbers_that_no_table_has(numbers: dict[str, int], label: Label) -> None:
    ((name, number),) = numbers.items()
    with pytest.raises(ConfigError, match=f"has {name}={number}, which is not from"):
        check_pieces(replace(plain(label), **numbers), ())  # type: ignore[arg-type]


def test_a_gpt_takes_as_much_as_it_has_entries() -> None:
    ends = [label_extent(plain(Label.gpt, n)).end // SECTOR for n in (1, 4, 5, 56, 128)]
    assert ends == [3, 3, 4, 16, 34]
    assert label_extent(plain(Label.dos)) == Extent(440, 72)
