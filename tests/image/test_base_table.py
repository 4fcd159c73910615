"""The boot loader of the image that a disk starts from is kept, and its partition table is not."""

import struct
from pathlib import Path

import pytest

from aimager.errors import ConfigError
from aimager.image.base_table import BaseTable, check_base, read_base, used_size
from aimager.image.disk import sfdisk_script
from aimager.model.architecture import Architecture
from aimager.model.image_ids import ImageIds
from aimager.model.layout import Extent, disk_size, lay_out
from aimager.model.partition import SECTOR, Label, MiB, PartitionTable
from aimager.model.sfdisk_table import read_table
from tests.support.trees import TOOLS, make_disk

SPL = 8192
"""Where the boot loader of an Allwinner chip lies."""

DATA = 16 * MiB
"""Where the images' file system lies."""


def make_base(path: Path, script: str, *loaders: int, data: int = DATA) -> Path:
    """An image of 32 MiB with this table, a file system at ``data`` where a partition may start,
    and something at each of ``loaders``."""
    with path.open("wb") as stream:
        stream.truncate(32 * MiB)
    if script:
        TOOLS.run(["sfdisk", "--quiet", path], input=script.encode())
    if "start=" in script:
        maker = ["mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-E", f"offset={data}"]
        TOOLS.run([*maker, path, "1024"])
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
    check_base(TOOLS, base, table, filled, base.parent)


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


IN_PARTITIONS = """\
label: gpt
first-lba: 64
start=64, size=8000, name="loader1"
start=16384, size=8192, name="loader2"
start=24576, size=4096, name="trust"
start=32768, size=16384, name="root"
start=49152, size=2048, name="after it"
"""
"""As RK3399's vendor has it, made smaller: three loaders, each in a partition of its own."""
IN_PARTITIONS_OF_DOS = "label: dos\nstart=16384, size=8192, type=da\nstart=32768, size=16384"
LOADER_2, TRUST = 16384 * SECTOR, 24576 * SECTOR


@pytest.mark.parametrize("script", [IN_PARTITIONS, IN_PARTITIONS_OF_DOS])
@pytest.mark.parametrize(
    ("start", "size", "loaders", "place"),
    [
        ("1MiB", "15MiB", (64 * SECTOR, LOADER_2), LOADER_2),
        ("1MiB", "8MiB", (64 * SECTOR, LOADER_2 + 12345), LOADER_2 + 12345),
        ("10MiB", "1MiB", (LOADER_2 + 3 * MiB - 1,), LOADER_2 + 3 * MiB - 1),
    ],
)
def test_loaders_lie_in_partitions_of_the_images_own(
    tmp_path: Path, script: str, start: str, size: str, loaders: tuple[int, ...], place: int
) -> None:
    base = make_base(tmp_path / "base", script, *loaders)
    with pytest.raises(ConfigError, match="has a boot loader at") as caught:
        check(base, f"label: gpt; aimager@boot: start={start}, size={size}; aimager@root:")
    assert f"at byte {place} in a partition of its own, where" in caught.value.message
    assert "start=32768" in caught.value.hint
    check(base, "label: gpt; aimager@boot: start=16MiB, size=15MiB; aimager@root:")
    check(base, "label: dos; size=7M; size=4M, start=8M; aimager@root: start=16MiB, size=9MiB")


def test_a_loader_behind_the_data(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base", IN_PARTITIONS, 24 * MiB)
    with pytest.raises(ConfigError, match="at byte 25165824 in a partition") as caught:
        check(base, "label: gpt; aimager@boot: start=16MiB, size=9MiB; aimager@root:")
    assert caught.value.hint == "let none of table= lie on bytes 25165824 to 26214400"
    check(base, "label: gpt; aimager@boot: start=16MiB, size=8MiB; aimager@root: start=25MiB")


def test_a_usual_image_is_replaced(tmp_path: Path) -> None:
    """A FAT for /boot, and a root; neither what they hold nor what is empty is a loader."""
    scripts = ("start=2048, size=8192, type=ef, bootable\n", "start=10240, size=2048\n")
    for script in ("label: dos\n", "label: gpt\n"):
        kinds = (
            scripts if "dos" in script else [text.replace("ef, bootable", "U") for text in scripts]
        )
        base = make_base(tmp_path / "base", script + "".join(kinds), data=5 * MiB)
        TOOLS.run(["mkfs.fat", "--offset=2048", base, "4096"])
        check(base, "label: gpt; aimager@boot: start=1MiB, size=9MiB; aimager@root:")
        with base.open("r+b") as stream:
            stream.seek(64 * SECTOR)
            stream.write(b"loader")
        with pytest.raises(ConfigError, match="at byte 32768, where") as caught:
            check(base, "label: dos; aimager@boot: start=64, size=9MiB; aimager@root:")
        assert "start=2048" in caught.value.hint


def test_logical_partitions_are_data(tmp_path: Path) -> None:
    script = "label: dos\nstart=2048, size=20480, type=5\nstart=4096, size=2048\n"
    base = make_base(tmp_path / "base", script, data=8 * MiB)
    check(base, "label: dos; aimager@boot: start=1MiB, size=9MiB; aimager@root:")


def test_what_is_too_large_for_a_loader_is_data(tmp_path: Path) -> None:
    base = tmp_path / "base"
    for size, is_data in ((64 * MiB, False), (64 * MiB + SECTOR, True)):
        with base.open("wb") as stream:
            stream.truncate(128 * MiB)
        TOOLS.run(
            ["sfdisk", "--quiet", base],
            input=f"label: dos\nstart=2048, size={size // SECTOR}\n".encode(),
        )
        with base.open("r+b") as stream:
            stream.seek(4 * MiB)
            stream.write(b"unknown")
        ours = "label: dos; aimager@boot: start=1MiB, size=9MiB; aimager@root:"
        if is_data:
            check(base, ours)
        else:
            with pytest.raises(ConfigError, match="at byte 4194304 in a partition"):
                check(base, ours)


@pytest.mark.parametrize("first", [1 << 63, 1 << 54, 1 << 52, 64 * 2048])
def test_a_partition_beyond_the_image_is_none(tmp_path: Path, first: int) -> None:
    base = make_base(tmp_path / "base", GPT)
    content = bytearray(base.read_bytes())
    struct.pack_into("<QQ", content, 2 * SECTOR + 32, first, first + 2)
    base.write_bytes(content)
    assert read_base(base).partitions == (Extent(16 * MiB, MiB),), "the second GPT's"
    check(base, "label: gpt; aimager@boot: start=16MiB, size=1MiB; aimager@root:")


@pytest.mark.parametrize(
    ("script", "end"), [(GPT, 32 * MiB - 33 * SECTOR), (DOS, 32 * MiB), ("", 32 * MiB)]
)
def test_the_second_gpt_of_a_base_is_no_content(tmp_path: Path, script: str, end: int) -> None:
    assert used_size(make_base(tmp_path / "base", script)) == end


def test_what_a_base_has(tmp_path: Path) -> None:
    assert read_base(make_base(tmp_path / "base", "")) == BaseTable()
    assert read_base(make_base(tmp_path / "base", DOS)) == BaseTable((), (Extent(16 * MiB, MiB),))
    end = 32 * MiB
    assert read_base(make_base(tmp_path / "base", GPT)) == BaseTable(
        (
            *(Extent(512, 512), Extent(1024, 16384)),
            *(Extent(end - 512, 512), Extent(end - 33 * 512, 16384)),
        ),
        (Extent(16 * MiB, MiB),),
    )
    short = read_base(make_base(tmp_path / "base", SHORT))
    assert short.gpt[1] == Extent(1024, 56 * 128)


@pytest.mark.parametrize("header", [b"", b"EFI PART", b"EFI PART" + b"\xff" * 504])
def test_a_damaged_gpt_is_no_trap(tmp_path: Path, header: bytes) -> None:
    base = make_base(tmp_path / "base", GPT)
    with base.open("r+b") as stream:
        stream.seek(SECTOR)
        stream.write(header.ljust(SECTOR, b"\0"))
    assert read_base(base).partitions == ()
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
