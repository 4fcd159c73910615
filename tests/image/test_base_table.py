"""The boot loader of the image that a disk starts from is kept, and its partition table is not."""

from pathlib import Path

import pytest

from aimager.errors import ConfigError
from aimager.image.base_table import BaseTable, check_base, read_base
from aimager.image.disk import sfdisk_script
from aimager.model.architecture import Architecture
from aimager.model.image_ids import ImageIds
from aimager.model.layout import Extent, disk_size, lay_out
from aimager.model.partition import SECTOR, Label, MiB, PartitionTable
from aimager.model.sfdisk_table import read_table
from tests.support.trees import TOOLS, make_disk

SPL = 8192
"""Where the boot loader of an Allwinner chip lies."""


def make_base(path: Path, script: str, *loaders: int) -> Path:
    """An image of 32 MiB with this table, and something at each of ``loaders``."""
    with path.open("wb") as stream:
        stream.truncate(32 * MiB)
    if script:
        TOOLS.run(["sfdisk", "--quiet", path], input=script.encode())
    with path.open("r+b") as stream:
        for place in loaders:
            stream.seek(place)
            stream.write(b"loader")
    return path


DOS = "label: dos\nstart=32768, size=2048"
GPT = "label: gpt\nstart=32768, size=2048"
SHORT = "label: gpt\ntable-length: 56\nfirst-lba: 2048\nstart=32768, size=2048"


def check(base: Path, text: str) -> None:
    table = read_table(text)
    extents = lay_out(table, [partition.size or MiB for partition in table.partitions])
    filled = [e for p, e in zip(table.partitions, extents, strict=True) if p in table.filled]
    check_base(base, table, filled)


@pytest.mark.parametrize("script", [DOS, SHORT, ""])
def test_a_loader_amid_a_gpts_entries_is_not_written_over(tmp_path: Path, script: str) -> None:
    base = make_base(tmp_path / "base", script, SPL)
    ours = "label: gpt; {} aimager@boot: start=16MiB, size=1MiB; aimager@root:"
    with pytest.raises(
        ConfigError, match="disk-from= has a boot loader at byte 8192, on"
    ) as caught:
        check(base, ours.format(""))
    assert caught.value.hint == "write table= with label: dos, or table-length: 56"
    check(base, ours.format("table-length: 56;"))
    check(base, "label: dos; aimager@boot: start=16MiB, size=1MiB; aimager@root:")


@pytest.mark.parametrize("script", [DOS, GPT, SHORT, ""])
@pytest.mark.parametrize("label", ["gpt", "dos"])
def test_a_table_is_written_over(tmp_path: Path, script: str, label: str) -> None:
    base = make_base(tmp_path / "base", script, 34 * SECTOR, 8 * MiB)
    check(base, f"label: {label}; aimager@boot: start=16MiB, size=1MiB; aimager@root:")


def test_a_partition_does_not_lie_on_a_loader(tmp_path: Path) -> None:
    for script in (DOS, GPT):
        base = make_base(tmp_path / "base", script, 8 * MiB)
        with pytest.raises(ConfigError, match="at byte 8388608, where a partition") as caught:
            check(base, "label: gpt; aimager@boot: start=1MiB, size=9MiB; aimager@root:")
        assert "start=32768" in caught.value.hint
        check(base, "label: gpt; aimager@boot: start=1MiB, size=7MiB; aimager@root: start=9MiB")
        check(base, "label: gpt; size=15M; aimager@boot: start=16MiB, size=9MiB; aimager@root:")


@pytest.mark.parametrize("script", ["", "label: dos", "label: gpt"])
def test_what_has_no_partition_is_a_loader(tmp_path: Path, script: str) -> None:
    base = make_base(tmp_path / "base", script, 64 * SECTOR, 8 * MiB)
    with pytest.raises(ConfigError, match="at byte 8388608, where a partition") as caught:
        check(base, "label: gpt; aimager@boot: start=1MiB, size=9MiB; aimager@root:")
    assert caught.value.hint == "let the first partition start behind it"
    check(base, "label: gpt; aimager@boot: start=9MiB, size=9MiB; aimager@root:")


def test_what_a_base_has(tmp_path: Path) -> None:
    assert read_base(make_base(tmp_path / "base", "")) == BaseTable()
    assert read_base(make_base(tmp_path / "base", DOS)) == BaseTable((), 16 * MiB)
    end = 32 * MiB
    assert read_base(make_base(tmp_path / "base", GPT)) == BaseTable(
        (
            *(Extent(512, 512), Extent(1024, 16384)),
            *(Extent(end - 512, 512), Extent(end - 33 * 512, 16384)),
        ),
        16 * MiB,
    )
    short = read_base(make_base(tmp_path / "base", SHORT))
    assert short.gpt[1] == Extent(1024, 56 * 128)


@pytest.mark.parametrize("header", [b"", b"EFI PART", b"EFI PART" + b"\xff" * 504])
def test_a_damaged_gpt_is_no_trap(tmp_path: Path, header: bytes) -> None:
    base = make_base(tmp_path / "base", GPT)
    with base.open("r+b") as stream:
        stream.seek(SECTOR)
        stream.write(header.ljust(SECTOR, b"\0"))
    assert read_base(base).first is None
    base.write_bytes(base.read_bytes()[:SECTOR])
    assert read_base(base) == BaseTable()


@pytest.mark.parametrize("label", list(Label))
@pytest.mark.parametrize("base_label", list(Label))
def test_no_gpt_is_left_behind(tmp_path: Path, label: Label, base_label: Label) -> None:
    """Of a GPT under a DOS label, firmware and systems take the one or the other."""
    base = make_base(tmp_path / "base", GPT if base_label is Label.gpt else DOS, 8 * MiB)
    table = read_table(f"label: {label}; aimager@boot: start=16MiB, size=1MiB; aimager@root:")
    assert isinstance(table, PartitionTable)
    extents = lay_out(table, [MiB, 30 * MiB])
    size = disk_size(table, extents)
    ids = ImageIds("seed", table)
    script = sfdisk_script(
        table,
        extents,
        disk_id=ids.disk,
        partition_uuids=ids.partitions,
        architecture=Architecture.aarch64,
    )
    disk = tmp_path / "disk.img"
    make_disk(disk, script, (), size=size, base=base)
    content = disk.read_bytes()
    assert content[8 * MiB :].startswith(b"loader")
    assert content.count(b"EFI PART") == (2 if label is Label.gpt else 0)
    found = TOOLS.run(["sfdisk", "--dump", disk])
    assert f"label: {label}\n" in found
    assert found.count("start=") == 2


@pytest.mark.parametrize(("field", "kept"), [(32, 2), (72, 1)], ids=["other header", "entries"])
def test_a_header_that_points_out_of_the_image(tmp_path: Path, field: int, kept: int) -> None:
    base = make_base(tmp_path / "base", GPT)
    with base.open("r+b") as stream:
        stream.seek(SECTOR + field)
        stream.write(b"\xff" * 8)
    found = read_base(base)
    assert len(found.gpt) == kept
    assert found.gpt[0] == Extent(SECTOR, SECTOR)
