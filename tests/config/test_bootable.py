"""A disk from which a board's firmware could start nothing is refused before anything is made."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.config.storage import read_storage
from aimager.config.variables import make_words
from aimager.errors import ConfigError
from aimager.model.board import Board, RawPiece
from aimager.model.partition import (
    FileSystem,
    GiB,
    Label,
    MiB,
    Partition,
    PartitionTable,
    Role,
    boot_fat,
    root_ext4,
)
from boards import BOARDS

HERE = Path("/somewhere")
ROM = ("rpi2", "rpi3", "rpi-zero2w", "aarch64-rpi-uboot")
EEPROM = ("rpi4", "rpi5")
U_BOOT = ("aarch64-uboot", "armv7h-uboot", "riscv64-uboot")
UEFI = ("x64-uefi", "aarch64-uefi", "orangepi-5-family")


def read(board: Board, **words: str) -> Board:
    named = {name.replace("_", "-"): value for name, value in words.items()}
    return read_storage(board, make_words(named, HERE))


def refused(board: Board, **words: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(board, **words)
    assert caught.value.hint
    assert board.id in caught.value.message
    return caught.value


@pytest.mark.parametrize("board", ROM)
@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("=gpt_1g_esp", "the label gpt"),
        ("=gpt_1g_fat", "the label gpt"),
        ("=dos_1g_esp", "a boot partition of the type ef"),
        ("label: dos; aimager@boot: size=1G, type=uefi; aimager@root:", "of the type ef"),
        ("label: dos; aimager@boot: size=1G, type=83; aimager@root:", "of the type 83"),
        ("label: dos; size=1M, type=e; aimager@boot: size=1G; aimager@root:", "another FAT"),
        ("label: dos; aimager@root:", "no partition for booting"),
    ],
)
def test_the_rom_of_a_raspberry_pi_reads_dos_labels_and_fat_types(
    board: str, table: str, told: str
) -> None:
    assert told in refused(BOARDS[board], table=table).message


@pytest.mark.parametrize("board", (*ROM[:3], *EEPROM))
@pytest.mark.parametrize("kind", ["", "type=c", "type=0b", "type=0x0C", "type=6", "type=e"])
def test_fat_types_are_read_by_all(board: str, kind: str) -> None:
    fields = ", ".join(("size=512MiB", *filter(None, [kind])))
    read(BOARDS[board], table=f"label: dos; aimager@boot: {fields}; aimager@root:")


@pytest.mark.parametrize("board", EEPROM)
@pytest.mark.parametrize(
    "table",
    [
        "=gpt_1g_esp",
        "=gpt_1g_fat",
        "=dos_1g_esp",
        'label: gpt; aimager@boot: size=1G, type="Microsoft basic data"; aimager@root:',
        "label: gpt; first-lba: 34; aimager@boot: size=1G; aimager@root:",
    ],
)
def test_an_eeprom_reads_both(board: str, table: str) -> None:
    read(BOARDS[board], table=table)


@pytest.mark.parametrize("board", EEPROM)
def test_an_eeprom_looks_for_fat_by_the_type(board: str) -> None:
    table = "label: gpt; aimager@boot: size=1G, type=linux; aimager@root:"
    assert "a boot partition of the type 0fc63daf" in refused(BOARDS[board], table=table).message


@pytest.mark.parametrize("board", U_BOOT)
@pytest.mark.parametrize(
    "table",
    [
        "label: dos; size=16M, type=da; aimager@boot: size=1G, type=c; aimager@root:",
        "label: dos; size=16M, bootable; aimager@boot: size=1G, type=c, bootable; aimager@root:",
        "label: gpt; size=16M; aimager@boot: size=1G, type=linux; aimager@root:",
        "label: gpt; aimager@home: size=1G; aimager@boot: size=1G, type=linux; aimager@root:",
        "label: gpt; size=16M, type=uefi; aimager@boot: size=1G; aimager@root:",
        "label: gpt; size=16M; aimager@root:",
        "label: gpt; aimager@swap: size=1G; aimager@root:",
    ],
)
def test_u_boot_does_not_look_there(board: str, table: str) -> None:
    assert "that U-Boot does not look at" in refused(BOARDS[board], table=table).message


@pytest.mark.parametrize("board", U_BOOT)
@pytest.mark.parametrize(
    "table",
    [
        "label: dos; aimager@boot: size=1G; aimager@root:",
        "label: dos; size=16M; aimager@boot: size=1G, bootable; aimager@root:",
        "label: dos; size=16M; aimager@boot: size=1G, type=ef; aimager@root:",
        "label: gpt; size=16M; aimager@boot: size=1G; aimager@root:",
        'label: gpt; size=1M; aimager@boot: size=1G, type=linux, attrs="LegacyBIOSBootable";'
        " aimager@root:",
        "label: gpt; aimager@root:",
        "label: dos; aimager@root:",
        'label: gpt; size=16M; aimager@root: attrs="LegacyBIOSBootable"',
    ],
)
def test_u_boot_looks_there(board: str, table: str) -> None:
    read(BOARDS[board], table=table)


def test_u_boot_reads_no_btrfs() -> None:
    error = refused(BOARDS["aarch64-uboot"], table="label: gpt; aimager@root:", root_fs="btrfs")
    assert "its boot files in btrfs" in error.message


@pytest.mark.parametrize("board", UEFI)
@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("label: gpt; aimager@root:", "no partition for booting"),
        (
            "label: gpt; aimager@boot: size=1G, type=linux; aimager@root:",
            "not an EFI system partition",
        ),
        (
            "label: dos; aimager@boot: size=1G, bootable; aimager@root:",
            "not an EFI system partition",
        ),
    ],
)
def test_uefi_looks_for_its_own_partition(board: str, table: str, told: str) -> None:
    assert told in refused(BOARDS[board], table=table).message


@pytest.mark.parametrize(
    "kind", ["uefi", "U", '"EFI System"', '"efi system"', "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"]
)
def test_its_type_has_several_names(kind: str) -> None:
    read(BOARDS["x64-uefi"], table=f"label: gpt; aimager@boot: size=1G, type={kind}; aimager@root:")


@pytest.mark.parametrize("board", ["x64-legacy", "x86-legacy"])
@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("label: gpt; aimager@boot: size=1G; aimager@root:", "the label gpt"),
        ("label: dos; aimager@boot: size=1G; aimager@root:", "not active"),
        ("label: dos; aimager@boot: size=1G, bootable; aimager@root: bootable", "several active"),
        ("label: dos; aimager@root: bootable", "no partition for booting"),
    ],
)
def test_a_bios_starts_the_only_active_partition(board: str, table: str, told: str) -> None:
    assert told in refused(BOARDS[board], table=table).message


def own(like: str, table: PartitionTable, **changes: object) -> Board:
    """A user's board, with a disk of its own."""
    return replace(BOARDS[like], id="mine", partition_table=table, **changes)  # type: ignore[arg-type]


ONE = PartitionTable(Label.dos, (root_ext4(),))
EXT4 = Partition(Role.boot, FileSystem.ext4, GiB)


@pytest.mark.parametrize(
    ("board", "told"),
    [
        (own("x64-legacy", PartitionTable(Label.gpt, (boot_fat(GiB), root_ext4()))), "label gpt"),
        (own("x64-uefi", ONE), "no partition for booting"),
        (own("x64-uefi", PartitionTable(Label.gpt, (EXT4, root_ext4()))), "boot partition of ext4"),
        (own("rpi3", PartitionTable(Label.dos, (boot_fat(GiB), root_ext4()))), "the type ef"),
        (
            own("rpi4", PartitionTable(Label.gpt, (boot_fat(GiB), root_ext4())), boot_files=()),
            "the label gpt",
        ),
        (
            own(
                "aarch64-uboot",
                PartitionTable(Label.gpt, (root_ext4(GiB), boot_fat(GiB, esp=False))),
            ),
            "that U-Boot does not look at",
        ),
    ],
    ids=lambda value: value.bootloaders[0] if isinstance(value, Board) else "",
)
def test_the_disk_of_a_board_is_looked_at_as_the_users_is(board: Board, told: str) -> None:
    error = refused(board)
    assert told in error.message
    assert error.message.startswith("the partition table of the board mine has ")


@pytest.mark.parametrize("label", list(Label))
def test_u_boot_starts_from_the_only_partition(label: Label) -> None:
    read(own("aarch64-uboot", PartitionTable(label, (root_ext4(),))))
    read(own("aarch64-uboot", PartitionTable(label, (EXT4, root_ext4()))))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"board": "rock64", "table": "=gpt_1g_esp"}, "8388608 of the disk, would be written over:"
          " the boot partition starts at byte 1048576"),
        ({"board": "rock64", "table": "label: dos; aimager@boot: size=512M, bootable;"
          " aimager@root:"}, "the boot partition starts at byte 1048576"),
        ({"board": "x64-uefi", "table": "label: gpt; aimager@boot: size=4M; aimager@root:"},
         "a boot partition of 4 MiB, which cannot hold a kernel"),
        ({"board": "rpi4", "table": "label: dos; aimager@boot: size=1; aimager@root:"},
         "a boot partition of 512 B, which cannot hold a kernel"),
        ({"board": "x64-uefi", "table": "label: gpt; aimager@boot: start=34, size=1G; start=40,"
          " size=9; aimager@root:"}, "overlap"),
        ({"board": "x64-uefi", "table": "label: gpt; aimager@boot: start=33, size=1G;"
          " aimager@root:"}, "starts at sector 33"),
    ],
)  # fmt: skip
def test_what_lies_on_one_another_is_seen_at_once(words: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        read_build(words, HERE)


def test_the_example_of_the_documentation_is_for_rock64() -> None:
    text = (Path(__file__).parents[2] / "docs/disk.md").read_text()
    table = re.search(r"```text\n(label: gpt.*?)```", text, re.DOTALL)
    assert table
    read(BOARDS["rock64"], table=table[1])


def test_a_loader_at_8_kib_needs_a_short_gpt() -> None:
    spl = (RawPiece("boot/u-boot-sunxi-with-spl.bin", 8192),)
    board = replace(BOARDS["aarch64-uboot"], raw_pieces=spl)
    table = "label: gpt; {} aimager@boot: start=16MiB, size=1GiB; aimager@root:"
    with pytest.raises(ConfigError, match="overlaps the partition table") as caught:
        read(board, table=table.format(""))
    assert "table-length: 56" in caught.value.hint
    found = read(board, table=table.format("table-length: 56;")).partition_table
    assert found
    assert found.entries == 56
    assert found.partitions[0].start == 16 * MiB
