"""sfdisk's notation with our marks becomes a table, and what no image can be made of is refused."""

import re
from pathlib import Path

import pytest

from aimager.errors import ConfigError
from aimager.image.disk import sfdisk_script
from aimager.model.architecture import Architecture
from aimager.model.layout import disk_size, lay_out
from aimager.model.named_tables import NAMED_TABLES
from aimager.model.partition import (
    SECTOR,
    FileSystem,
    GiB,
    Label,
    MiB,
    Partition,
    PartitionTable,
    Role,
)
from aimager.model.sfdisk_table import read_table
from tests.support.trees import TOOLS, make_disk

ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
LOADER = "8DA63339-0007-60C0-C436-083AC8230908"

DUMP = f"""\
label: gpt
label-id: 11111111-2222-4333-8444-555555555555
device: /dev/sdz
unit: sectors
first-lba: 34
sector-size: 512

/dev/sdz1 : start=64, size=960, type={LOADER}, name="idbloader"
start=1024,size=6144,type={LOADER},name="uboot"
aimager@boot: start=32768, size=2097152, type={ESP}, attrs="RequiredPartition GUID:63"
# home comes before the root, which then can grow
aimager@home : size=2G, name="my, home"
aimager@swap:size=512MiB, uuid=AAAAAAAA-2222-4333-8444-555555555555
aimager@root:
"""


def test_a_dump() -> None:
    raw = Partition(Role.raw, FileSystem.none, type=LOADER, bootable=False)
    assert read_table(DUMP) == PartitionTable(
        Label.gpt,
        (
            Partition(**{**vars(raw), "start": 64 * 512, "size": 960 * 512, "name": "idbloader"}),
            Partition(**{**vars(raw), "start": MiB // 2, "size": 3 * MiB, "name": "uboot"}),
            Partition(
                Role.boot,
                FileSystem.vfat,
                GiB,
                esp=True,
                start=16 * MiB,
                type=ESP,
                attributes="RequiredPartition GUID:63",
                bootable=False,
            ),
            Partition(Role.home, FileSystem.ext4, 2 * GiB, name="my, home", bootable=False),
            Partition(
                Role.swap,
                FileSystem.swap,
                512 * MiB,
                uuid="aaaaaaaa-2222-4333-8444-555555555555",
                bootable=False,
            ),
            Partition(Role.root, FileSystem.ext4, bootable=False),
        ),
        first_lba=34,
        id="11111111-2222-4333-8444-555555555555",
    )


@pytest.mark.parametrize(
    "name", ["/dev/sda1", "disk.img1", "./my disk.img1", "/by-path/pci-0000:00:17.0-part1", ""]
)
def test_a_dump_of_any_disk(name: str) -> None:
    table = read_table(f"label: gpt\n{name} : start=64, size=960\naimager@root: start=1MiB\n")
    raw, root = table.partitions
    assert (raw.role, raw.start, raw.size) == (Role.raw, 64 * 512, 960 * 512)
    assert root.role is Role.root


def test_it_is_told_to_sfdisk_again() -> None:
    table = read_table(DUMP)
    sizes = [partition.size or 700 * MiB for partition in table.partitions]
    script = sfdisk_script(
        table,
        lay_out(table, sizes),
        disk_id=table.id,
        partition_uuids=[p.uuid or "x" for p in table.partitions],
        architecture=Architecture.aarch64,
    ).splitlines()
    assert script[:4] == [
        "label: gpt",
        "label-id: 11111111-2222-4333-8444-555555555555",
        "unit: sectors",
        "first-lba: 34",
    ]
    assert script[7] == f'start=64, size=960, type={LOADER}, uuid=x, name="idbloader"'
    assert script[9].endswith('name="boot", attrs="RequiredPartition GUID:63"')
    assert script[10].startswith("start=2129920, size=4194304, type=933ac7e1-")
    assert script[11].startswith("start=6324224, size=1048576, type=0657fd6d-")
    assert 'uuid=aaaaaaaa-2222-4333-8444-555555555555, name="swap"' in script[11]


def test_a_command_line_has_no_newlines() -> None:
    table = read_table("label: dos; aimager@boot: size=64M, type=ef, bootable; aimager@root:")
    assert table.label is Label.dos
    boot, root = table.partitions
    assert (boot.size, boot.esp, boot.bootable) == (64 * MiB, True, True)
    assert (root.size, root.start, root.bootable) == (None, None, False)


def test_what_a_table_may_say() -> None:
    table = read_table("label: gpt; last-lba: 99; first-lba: 2048; aimager@root: size=1024T")
    assert (table.first_lba, table.last_lba, table.alignment, table.id) == (2048, 99, MiB, "")
    assert table.partitions[0].size == 1 << 50
    assert read_table("label: gpt; first-lba: 4096; aimager@root:").alignment == 2 * MiB
    assert read_table("label: gpt; first-lba: 4097; aimager@root:").alignment == MiB
    table = read_table("label: dos; label-id: 0xAB; aimager@root: start=0, size=+")
    assert (table.id, table.partitions[0].start, table.partitions[0].size) == ("000000ab", 0, None)
    four = read_table("label: dos" + "; size=1M" * 3 + "; aimager@root:")
    assert len(four.partitions) == 4
    near = read_table("label: gpt; aimager@boot: start=1M, size=2M; aimager@root: start=3M")
    assert near.partitions[1].start == 3 * MiB
    assert read_table("label: dos; aimager@root: id=83").partitions[0].type == "83"
    assert read_table("label: gpt; table-length: 56; aimager@root:").entries == 56


def test_firmware_finds_a_boot_partition_without_a_type() -> None:
    for text, esp in (
        ("label: gpt; aimager@boot: size=64M; aimager@root:", True),
        ("label: gpt; aimager@boot: size=64M, type=linux; aimager@root:", False),
        ("label: dos; aimager@boot: size=64M; aimager@root:", False),
    ):
        boot, _ = read_table(text).partitions
        assert boot.esp is esp


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("aimager@root:", "has no label"),
        ("label: sun\naimager@root:", "label sun"),
        ("label: gpt\naimager@boot: size=1G", "no partition for the root"),
        ("label: gpt\naimager@root:\naimager@root:", "several partitions for root"),
        ("label: gpt\naimager@var:\naimager@root:", "mark aimager@var"),
        ("label: gpt\naimager@swap:\naimager@root:", "partition for swap and without a size"),
        ("label: gpt\naimager@root:\ntype=83", "without a mark and without a size"),
        ("label: gpt\naimager@root: size=many", "size many"),
        ("label: gpt\naimager@root: size=0", "size 0"),
        ("label: gpt\naimager@root: size=1025T", "out of range"),
        ("label: gpt\naimager@root: start=1025T", "out of range"),
        ("label: gpt\naimager@root: uuid=1", "partition id 1"),
        ("label: gpt\nunit: cylinders\naimager@root:", "sectors of 512"),
        ("label: dos\nfirst-lba: 34\naimager@root:", "first-lba: 34"),
        ("label: dos\nlabel-id: 0x123456789\naimager@root:", "label-id: 0x123456789"),
        ("label: dos\naimager@root: uuid=AAAAAAAA-2222-4333-8444-555555555555", "cannot have"),
        ("label: dos\naimager@root: attrs=x", "cannot have"),
        ("label: gpt\naimager@root: colour=red", "field colour"),
        ("label: gpt\naimager@root: size = 1G what?", "not of the form NAME=VALUE"),
        ("label: gpt\ncolour: red\naimager@root:", "line colour: red"),
        ("label: gpt\nsector-size: 4096\naimager@root:", "sectors of 512"),
        ("label: gpt\nfirst-lba: x\naimager@root:", "first-lba: x"),
        (
            "label: gpt\nsize=1M, uuid=AAAAAAAA-2222-4333-8444-555555555555"
            "\naimager@root: uuid=aaaaaaaa-2222-4333-8444-555555555555",
            "the same uuid",
        ),
        ("label: gpt\ntable-length: x\naimager@root:", "table-length: x"),
        ("label: gpt\ntable-length: 0\naimager@root:", "table-length: 0"),
        ("label: gpt\ntable-length: 1\nsize=1M\naimager@root:", "has 2 partitions, and"),
        ("label: dos\ntable-length: 56\naimager@root:", "table-length: 56"),
        ("label: gpt\naimager@root: type=83", "type 83, which a gpt label does not have"),
        ("label: gpt\naimager@boot: size=1G, type=esp\naimager@root:", "the type esp"),
        ('label: dos\naimager@root: type="Linux filesystem"', "the type Linux filesystem"),
        ("label: dos\naimager@root: type=0", "the type 0"),
        ("label: dos\naimager@root: type=183", "the type 183"),
        ("label: dos\nsize=1G, type=5\nsize=1M\naimager@root:", "has logical partitions"),
        ("label: dos\nsize=1G, type=E\nsize=1M\naimager@root:", "has logical partitions"),
        ("label: dos\nsize=1G, type=f\nsize=1M\naimager@root:", "has logical partitions"),
        ("label: dos\nsize=1G, type=Ex" + "\nsize=1M" * 4 + "\naimager@root:", "has logical"),
        ("label: gpt\naimager@swap: size=36K\naimager@root:", "less than 40 KiB"),
        ("label: gpt\nlabel-id: 0x12\naimager@root:", "label-id: 0x12"),
        ("label: dos\naimager@root: name=x", "DOS label cannot have"),
        ("label: dos" + "\nsize=1M" * 4 + "\naimager@root:", "more than four"),
        ("label: gpt\naimager@boot: start=4M, size=2M\naimager@root: start=5M", "overlap"),
        ("label: gpt\nfirst-lba: 33\naimager@root:", "first-lba: 33, but its entries end at"),
        ("label: gpt\naimager@root: attrs=requiredpartition", "attributes requiredpartition"),
        ('label: gpt\naimager@root: attrs="GUID:60 GUID:47"', "attributes GUID:60 GUID:47"),
        (f"label: gpt\naimager@root: name={'x' * 37}", "which a GPT cannot hold"),
        ("label: gpt\naimager@root: name=\N{GRINNING FACE}", "which a GPT cannot hold"),
        (r"label: gpt; aimager@root: name=a\xe9", "which a GPT cannot hold"),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_table(text)
    assert message in caught.value.message
    assert caught.value.hint or "not known" in caught.value.message


@pytest.mark.parametrize("number", ["9" * 19, "9" * 5000, str(1 << 41), "\u0662"])
@pytest.mark.parametrize(
    "text",
    [
        "label: gpt; first-lba: {}; aimager@root:",
        "label: gpt; last-lba: {}; aimager@root:",
        "label: gpt; table-length: {}; aimager@root:",
        "label: gpt; aimager@root: size={}K",
        "label: gpt; aimager@root: start={}T",
        "label: dos; label-id: {}; aimager@root:",
        "label: dos; aimager@root: type={}",
    ],
)
def test_numbers_have_an_end(text: str, number: str) -> None:
    with pytest.raises(ConfigError, match="table= has the") as caught:
        read_table(text.format(number))
    assert number[:100] in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("label", "words", "meant"),
    [
        ("gpt", ["uefi", "U", '"EFI System"'], "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"),
        ("gpt", ["linux", "L", '"Linux  filesystem"'], "0fc63daf-8483-4772-8e79-3d69d8477de4"),
        ("gpt", ["swap"], "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"),
        ("gpt", ["home"], "933ac7e1-2eb4-4f13-b844-0e14e2aef915"),
        ("gpt", ["raid"], "a19d880f-05fc-4d3b-a006-743f0f84911e"),
        ("gpt", ["lvm"], "e6d6d379-f507-44c2-a23c-238f2a3df928"),
        ("gpt", ['"Linux root (x86-64)"'], Architecture.x86_64.gpt_root),
        ("gpt", ['"Linux root (ARM-64)"'], Architecture.aarch64.gpt_root),
        ("gpt", ['"Linux root (RISC-V-64)"'], Architecture.riscv64.gpt_root),
        ("dos", ["uefi", "U", "EF", "0xef"], "ef"),
        ("dos", ["linux", "83"], "83"),
        ("dos", ["swap"], "82"),
        ("dos", ["0c", "c", "C"], "c"),
        ("dos", ["e", "0E"], "e"),
    ],
)
def test_types_by_sfdisks_words(tmp_path: Path, label: str, words: list[str], meant: str) -> None:
    """Those of which sfdisk makes another one would not be what the table says."""
    for word in words:
        line = f"start=2048, size=2048, type={word}"
        assert read_table(f"label: {label}; {line}; aimager@root:").partitions[0].type == meant
        disk = tmp_path / "disk.img"
        disk.write_bytes(bytes(4 * MiB))
        TOOLS.run(["sfdisk", "--quiet", disk], input=f"label: {label}\n{line}\n".encode())
        found = re.search(r"type=([^,\n]+)", TOOLS.run(["sfdisk", "--dump", disk]))
        assert found
        assert found[1].lower() == meant


def test_a_gpt_of_fewer_entries_is_made(tmp_path: Path) -> None:
    text = "label: gpt; table-length: 56; first-lba: 16; start=16, size=100; aimager@root: size=1M"
    table = read_table(text)
    extents = lay_out(table, [p.size or 0 for p in table.partitions])
    assert extents[0].start == 16 * SECTOR
    script = sfdisk_script(
        table,
        extents,
        disk_id="11111111-2222-4333-8444-555555555555",
        partition_uuids=[f"{n}1111111-2222-4333-8444-555555555555" for n in (1, 2)],
        architecture=Architecture.aarch64,
    )
    disk = tmp_path / "disk.img"
    size = disk_size(table, extents)
    make_disk(disk, script, (), size=size)
    dumped = TOOLS.run(["sfdisk", "--dump", disk])
    assert "\ntable-length: 56\n" in dumped
    assert f"\nlast-lba: {size // SECTOR - 1 - 15}\n" in dumped


@pytest.mark.parametrize("name", NAMED_TABLES)
def test_named_tables(name: str) -> None:
    named = NAMED_TABLES[name]
    table = named.table
    boot, root = table.partitions
    assert named.meaning
    assert table.label == name[:3]
    assert (boot.role, boot.size, boot.esp) == (Role.boot, GiB, "esp" in name)
    assert table.first_lba == (34 if name == "gpt_1g_fat" else None)
    assert boot.start == (16 if "16m_gap" in name else 1) * MiB
    assert root.role is Role.root
    assert root.size == (16 * GiB if "16g_root" in name else None)
    for architecture in Architecture:
        if name.endswith(f"_{architecture.value}"):
            assert root.type == architecture.gpt_root
    assert boot.bootable is (table.label is Label.dos)
