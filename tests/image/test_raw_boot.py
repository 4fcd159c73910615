"""Boot loaders outside partitions lie where chips look for them, and on nothing else."""

from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.image.disk import sfdisk_script
from aimager.image.raw_boot import Raw, read_pieces, write_raw
from aimager.model import u_boot
from aimager.model.architecture import Architecture
from aimager.model.board import RawPiece
from aimager.model.layout import disk_size, lay_out
from aimager.model.partition import Label, MiB, PartitionTable, boot_fat, root_ext4
from aimager.model.raw_places import check_places
from aimager.sandbox.tree import Tree
from tests.support.trees import TOOLS, make_disk

LAYOUTS = {
    "rockchip": (u_boot.rockchip(), Label.gpt),
    "rockchip-in-two": (u_boot.rockchip_in_two(), Label.gpt),
    "allwinner": (u_boot.allwinner(), Label.dos),
    "amlogic-g12": (u_boot.amlogic_g12(), Label.dos),
    "amlogic-gxbb": (u_boot.amlogic_gxbb(), Label.dos),
}


def test_pieces_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "boot/u-boot.bin.sd.bin"
    path.parent.mkdir()
    path.write_bytes(b"a" * 440 + b"t" * 72 + b"b" * 1000)
    first, rest = read_pieces(Tree(tmp_path), u_boot.amlogic_g12())
    assert (first.offset, first.data) == (0, b"a" * 440)
    assert (rest.offset, rest.data) == (512, b"b" * 1000)
    with pytest.raises(ImageError, match=r"boot loader /boot/u-boot-rockchip\.bin is missing"):
        read_pieces(Tree(tmp_path), u_boot.rockchip())
    path.write_bytes(b"a" * 512)
    with pytest.raises(ImageError, match="ends before its byte 512"):
        read_pieces(Tree(tmp_path), u_boot.amlogic_g12())


def test_only_its_own_bytes_are_written(tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(b"." * 100)
    write_raw(disk, [Raw("a", 10, b"xy"), Raw("b", 98, b"zz")])
    assert disk.read_bytes() == b"." * 10 + b"xy" + b"." * 86 + b"zz"


@pytest.mark.parametrize(("pieces", "label"), LAYOUTS.values(), ids=LAYOUTS)
def test_known_layouts_leave_the_table_whole(
    pieces: tuple[RawPiece, ...], label: Label, tmp_path: Path
) -> None:
    for piece in pieces:
        path = tmp_path / piece.file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"U" * 40000)
    raws = read_pieces(Tree(tmp_path), pieces)
    table = PartitionTable(label, (boot_fat(64 * MiB), root_ext4()), 16 * MiB)
    extents = lay_out(table, (64 * MiB, 64 * MiB))
    script = sfdisk_script(
        table,
        extents,
        disk_id="1a2b3c4d" if label is Label.dos else "00000000-1111-8222-8333-444444444444",
        partition_uuids=[f"{n}0000000-1111-8111-8111-111111111111" for n in (1, 2)],
        architecture=Architecture.aarch64,
    )
    image = tmp_path / "disk.img"
    make_disk(image, script, (), size=disk_size(table, extents))
    dumped = dump(image)
    check_places(table, extents, [raw.place for raw in raws])
    write_raw(image, raws)
    assert dump(image) == dumped
    with image.open("rb") as disk:
        for raw in raws:
            disk.seek(raw.offset)
            assert disk.read(len(raw.data)) == raw.data


def dump(image: Path) -> str:
    """What sfdisk reads of the partition table."""
    return TOOLS.run(["sfdisk", "--dump", image])
