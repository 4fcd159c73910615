"""Block maps name what must be written, and bmaptool makes a whole disk by them."""

import hashlib
import re
import subprocess
from pathlib import Path

import pytest

from aimager.image import disk
from aimager.image.bmap import bmap_text, mapped_extents
from aimager.image.filesystem.used_blocks import used_extents
from aimager.model.architecture import Architecture
from aimager.model.layout import Extent, disk_size, lay_out, second_gpt_size
from aimager.model.partition import Label, MiB, PartitionTable, boot_fat, root_ext4
from tests.support import trees
from tests.support.partition_images import boot_tree, check_fat, ext4, fat, small_tree
from tests.support.places import GOLDEN

BMAPTOOL_PYTHON = "/usr/bin/python3"
COPY = """\
import sys
from bmaptools.BmapCopy import BmapCopy
image, block_map, target = sys.argv[1:]
with open(image, "rb") as i, open(block_map, "r+") as m, open(target, "r+b") as t:
    BmapCopy(i, t, m).copy()
"""
"""As `bmaptool copy` on to a block device: on to a file it would empty that first."""


def has_bmaptool() -> bool:
    argv = [BMAPTOOL_PYTHON, "-c", "import bmaptools"]
    try:
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(b"".join(bytes([number]) * 4096 for number in range(10)) + b"end")
    return path


def ranges(text: str) -> list[str]:
    return re.findall(r"<Range[^>]*>([0-9-]+)</Range>", text)


def test_text(image: Path) -> None:
    text = bmap_text(image, [Extent(0, 1), Extent(8191, 2), Extent(5 << 12, 4096)])
    assert text == (GOLDEN / "disk.img.bmap").read_text()
    chunks = {"0-2": bytes(4096) + b"\1" * 4096 + b"\2" * 4096, "5": b"\5" * 4096}
    for blocks, content in chunks.items():
        assert f'"{hashlib.sha256(content).hexdigest()}">{blocks}<' in text


def test_neighbours_are_one_range(image: Path) -> None:
    extents = [Extent(4096, 4096), Extent(8192, 100), Extent(8300, 0), Extent(8300, 4000)]
    assert ranges(bmap_text(image, [*extents, Extent(20_000, 1)])) == ["1-4"]
    assert ranges(bmap_text(image, [Extent(4096, 4096), Extent(12288, 1)])) == ["1", "3"]
    assert ranges(bmap_text(image, [])) == []


def test_a_block_that_is_cut_off(image: Path) -> None:
    text = bmap_text(image, [Extent(40960, 3)])
    assert ranges(text) == ["10"]
    assert hashlib.sha256(b"end").hexdigest() in text
    assert "<BlocksCount>11</BlocksCount>" in text


def test_tables_are_written() -> None:
    partitions = [(Extent(1000, 500), [Extent(0, 10), Extent(20, 5)]), (Extent(2000, 99), [])]
    assert mapped_extents(PartitionTable(Label.dos, ()), partitions, 30_000) == (
        *(Extent(0, 1000), Extent(1000, 10), Extent(1020, 5)),
    )
    gpt = mapped_extents(PartitionTable(Label.gpt, ()), partitions, 30_000)
    assert gpt[-1] == Extent(30_000 - 16_896, 16_896)


def cut(source: Path, extent: Extent, target: Path) -> Path:
    with source.open("rb") as stream:
        stream.seek(extent.start)
        target.write_bytes(stream.read(extent.size))
    return target


@pytest.mark.parametrize("label", list(Label))
def test_bmaptool_writes_over_what_a_card_held(tmp_path: Path, label: Label) -> None:
    if not has_bmaptool():
        pytest.skip("bmap-tools is missing: no block map is tried with bmaptool")
    table = PartitionTable(label, (boot_fat(40 * MiB), root_ext4()))
    parts = [
        fat(boot_tree(tmp_path / "boot"), tmp_path / "boot.img"),
        ext4(small_tree(tmp_path / "root", 100, 100_000), tmp_path / "root.img"),
    ]
    extents = lay_out(table, [part.stat().st_size for part in parts])
    size = disk_size(table, extents)
    script = disk.sfdisk_script(
        table,
        extents,
        disk_id="1a2b3c4d" if label is Label.dos else trees.UUID,
        partition_uuids=[trees.UUID, trees.UUID.replace("1", "2")],
        architecture=Architecture.x86_64,
    )
    image, card = tmp_path / "disk.img", tmp_path / "card"
    placed = list(zip(extents, parts, strict=True))
    trees.make_disk(image, script, placed, size=size)
    used = [
        used_extents(trees.TOOLS, part, partition.file_system)
        for part, partition in zip(parts, table.partitions, strict=True)
    ]
    mapped = mapped_extents(table, list(zip(extents, used, strict=True)), size)
    (tmp_path / "bmap").write_text(bmap_text(image, mapped))
    card.write_bytes(b"\xa5" * size)
    argv = [BMAPTOOL_PYTHON, "-c", COPY, str(image), str(tmp_path / "bmap"), str(card)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    check_fat(cut(card, extents[0], tmp_path / "boot.cut"))
    trees.check_ext4(cut(card, extents[1], tmp_path / "root.cut"))
    written, wanted = card.read_bytes(), image.read_bytes()
    assert written[:MiB] == wanted[:MiB]
    end = -second_gpt_size(table) or size
    assert written[end:] == wanted[end:]
    assert written.count(b"\xa5" * 4096) > 60 * MiB // 4096, "what is free was not written"
