"""Partition tables lie where they should, say what they should, and are always the same."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.errors import CommandError, ConfigError, ImageError
from aimager.image.disk import place_part, sfdisk_script
from aimager.model.architecture import Architecture
from aimager.model.image_ids import partuuid
from aimager.model.layout import Extent, disk_size, lay_out
from aimager.model.partition import SECTOR, GiB, Label, MiB, PartitionTable, boot_fat, root_ext4
from tests.support.places import GOLDEN
from tests.support.trees import make_disk

TABLES = {
    "gpt": PartitionTable(Label.gpt, (boot_fat(512 * MiB), root_ext4())),
    "dos": PartitionTable(Label.dos, (boot_fat(256 * MiB, esp=False), root_ext4())),
    "gap": PartitionTable(Label.gpt, (boot_fat(256 * MiB, esp=False), root_ext4()), 16 * MiB),
    "dos-efi": PartitionTable(Label.dos, (boot_fat(256 * MiB), root_ext4())),
}
SIZES = {"gpt": (512 * MiB, 2 * GiB), "gap": (256 * MiB, GiB + 512)}
UUIDS = ("11111111-1111-8111-8111-111111111111", "22222222-2222-8222-8222-222222222222")


def disk_id(name: str) -> str:
    return "1a2b3c4d" if name.startswith("dos") else "00000000-1111-8222-8333-444444444444"


def laid_out(name: str) -> tuple[tuple[Extent, ...], str]:
    table = TABLES[name]
    extents = lay_out(table, SIZES.get(name, (256 * MiB, GiB)))
    script = sfdisk_script(
        table,
        extents,
        disk_id=disk_id(name),
        partition_uuids=UUIDS,
        architecture=Architecture.aarch64,
    )
    return extents, script


def edges(image: Path) -> bytes:
    """The first and the last mebibyte, where the tables are."""
    with image.open("rb") as stream:
        first = stream.read(MiB)
        stream.seek(-MiB, os.SEEK_END)
        return first + stream.read()


@pytest.mark.parametrize("name", TABLES)
def test_scripts(name: str) -> None:
    assert laid_out(name)[1] == (GOLDEN / f"sfdisk-{name}.txt").read_text()


@pytest.mark.parametrize("name", TABLES)
def test_sfdisk_makes_what_the_script_says(tmp_path: Path, name: str) -> None:
    table = TABLES[name]
    extents, script = laid_out(name)
    image = tmp_path / "disk.img"
    again = tmp_path / "again.img"
    for path in (image, again):
        make_disk(path, script, (), size=disk_size(table, extents))
    assert edges(image) == edges(again)
    assert image.stat().st_blocks * 512 < MiB
    dumped = subprocess.run(
        ["sfdisk", "--json", image],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": "/usr/sbin:/usr/bin"},
        check=True,
    )
    found = json.loads(dumped.stdout)["partitiontable"]
    assert found["id"].lower().removeprefix("0x") == disk_id(name)
    starts = [(part["start"] * 512, part["size"] * 512) for part in found["partitions"]]
    assert starts == [(extent.start, extent.size) for extent in extents]
    for index, part in enumerate(found["partitions"]):
        if table.label is Label.gpt:
            assert part["uuid"].lower() == partuuid(table, disk_id(name), UUIDS, index)
            assert part["name"] == table.partitions[index].role


def test_partuuid_of_a_dos_label() -> None:
    assert partuuid(TABLES["dos"], "1a2b3c4d", (), 0) == "1a2b3c4d-01"
    assert partuuid(TABLES["dos"], "1a2b3c4d", (), 9) == "1a2b3c4d-0a"


def test_partitions_are_aligned() -> None:
    extents = lay_out(TABLES["gap"], (512, 512))
    assert [extent.start for extent in extents] == [16 * MiB, 32 * MiB]
    assert disk_size(TABLES["gap"], extents) == 48 * MiB


def test_the_second_gpt_has_room() -> None:
    sizes = (MiB, MiB)
    gpt, dos = TABLES["gpt"], TABLES["dos"]
    assert disk_size(gpt, lay_out(gpt, sizes)) == 4 * MiB
    assert disk_size(dos, lay_out(dos, sizes)) == 3 * MiB


@pytest.mark.parametrize(
    ("label", "first_lba", "start"),
    [(Label.dos, None, 1), (Label.gpt, None, 34), (Label.gpt, 20, 34), (Label.gpt, 64, 64)],
)
def test_partitions_begin_after_the_label(label: Label, first_lba: int | None, start: int) -> None:
    def place(first: int) -> tuple[Extent, ...]:
        partition = replace(root_ext4(), start=first * SECTOR)
        return lay_out(PartitionTable(label, (partition,), first_lba=first_lba), [MiB])

    assert place(start) == (Extent(start * SECTOR, MiB),)
    with pytest.raises(ConfigError) as caught:
        place(start - 1)
    assert caught.value.message == (
        f"the root partition starts at sector {start - 1}, but what lies before it ends at sector"
        f" {start}"
    )


def test_a_partition_without_a_start_follows_the_one_before_it() -> None:
    first = replace(boot_fat(MiB), start=64 * SECTOR)
    table = PartitionTable(Label.gpt, (first, root_ext4()))
    assert lay_out(table, [MiB, MiB])[1] == Extent(2 * MiB, MiB)
    overlapping = replace(table, partitions=(first, replace(root_ext4(), start=MiB)))
    with pytest.raises(ConfigError, match=r"starts at sector 2048, but .* sector 2112"):
        lay_out(overlapping, [MiB, MiB])


def test_the_last_sector_is_not_passed() -> None:
    table = PartitionTable(Label.gpt, (root_ext4(),), last_lba=4095)
    assert disk_size(table, lay_out(table, [MiB])) == 3 * MiB
    with pytest.raises(ConfigError, match="end at sector 4096, but last-lba is 4095"):
        lay_out(table, [MiB + SECTOR])


@pytest.mark.parametrize("size", [0, 513, -512])
def test_sizes_are_whole_sectors(size: int) -> None:
    with pytest.raises(ConfigError, match="is not a multiple of the sector size, 512"):
        lay_out(TABLES["gpt"], (size, MiB))


def test_parts_are_copied_sparsely(tmp_path: Path) -> None:
    table = TABLES["gpt"]
    parts = []
    for name in ("boot", "root"):
        part = tmp_path / name
        with part.open("wb") as stream:
            stream.write(name.encode() * 1000)
            stream.seek(10 * MiB)
            stream.write(b"end")
            stream.truncate(12 * MiB)
        parts.append(part)
    extents = lay_out(table, [12 * MiB, 12 * MiB])
    script = sfdisk_script(
        table,
        extents,
        disk_id=disk_id("gpt"),
        partition_uuids=UUIDS,
        architecture=Architecture.x86_64,
    )
    image = tmp_path / "disk.img"
    make_disk(image, script, list(zip(extents, parts, strict=True)), size=disk_size(table, extents))
    whole = image.read_bytes()
    for extent, part in zip(extents, parts, strict=True):
        assert whole[extent.start : extent.end] == part.read_bytes()
    assert image.stat().st_blocks * 512 < MiB


def test_a_part_of_another_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"x")
    with pytest.raises(ImageError, match="part has 1 bytes, but its partition has 512"):
        place_part(tmp_path / "disk", Extent(0, 512), tmp_path / "part")


def test_sfdisk_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="sfdisk"):
        make_disk(tmp_path / "disk", "label: none\n", (), size=MiB)
