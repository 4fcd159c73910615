"""The variables that lay out the disk reach the board's table, or are refused by name."""

from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.config.storage import (
    NAMES,
    read_arguments,
    read_disk_from,
    read_storage,
    read_subvolumes,
)
from aimager.config.variables import make_words
from aimager.errors import ConfigError
from aimager.model.board import Board
from aimager.model.named_tables import NAMED_TABLES
from aimager.model.partition import FileSystem, PartitionTable, Role, Subvolume
from aimager.model.product import Product
from boards import BOARDS

HERE = Path("/somewhere")
BOARD = BOARDS["x64-uefi"]


def table_of(board: Board = BOARD, folder: Path = HERE, **words: str) -> PartitionTable:
    """The table for these words, whose dashes are underscores."""
    named = {name.replace("_", "-"): value for name, value in words.items()}
    table = read_storage(board, make_words(named, folder)).partition_table
    assert table
    return table


def test_nothing_said_changes_nothing() -> None:
    assert read_storage(BOARD, make_words({}, HERE)) is BOARD


def test_a_table_by_name_in_a_file_and_inline(tmp_path: Path) -> None:
    named = NAMED_TABLES["dos_1g_esp"]
    (tmp_path / "table").write_text(named.text)
    assert table_of(table="=dos_1g_esp") == named.table
    assert table_of(table="@table", folder=tmp_path) == named.table
    assert table_of(table=named.text) == named.table


def test_products_follow_the_table() -> None:
    text = "label: gpt; aimager@boot: size=1G; aimager@swap: size=1G; aimager@home:; aimager@root:"
    words = {"board": "x64-uefi", "create": "part-swap.img,part-home.img"}
    build = read_build({**words, "table": text}, HERE)
    assert build
    assert build.products == (Product.part_swap, Product.part_home)
    assert [product.role for product in build.products] == [Role.swap, Role.home]
    with pytest.raises(ConfigError, match=r"part-swap\.img cannot be made"):
        read_build(words, HERE)


def test_the_root() -> None:
    table = table_of(
        table="=gpt_1g_esp",
        root_fs="btrfs",
        root_compress="zstd:3",
        root_subvolumes="@,@home:/home",
        mkfs_arg="root=-m single",
    )
    root = table.with_role(Role.root)
    assert root
    assert root.file_system is FileSystem.btrfs
    assert root.compression == "zstd:3"
    assert root.subvolumes == (Subvolume("@", "/"), Subvolume("@home", "/home"))
    assert root.arguments == ("-m", "single")
    build = read_build({"board": "x64-uefi", "root-fs": "btrfs"}, HERE)
    assert build
    assert build.welcome == build.makers == ("dosfstools", "btrfs-progs")
    build = read_build({"board": "x64-uefi", "root-fs": "erofs"}, HERE)
    assert build
    assert (build.welcome, build.makers) == (("dosfstools",), ("dosfstools", "erofs-utils"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"table": "=none"}, "there is no table none"),
        ({"table": "@missing"}, "table=@missing cannot be read"),
        ({"root_fs": "f2fs"}, "loses capabilities"),
        ({"root_fs": "zfs"}, "root-fs=zfs is not known"),
        ({"root_compress": "zstd"}, "not for a root of ext4"),
        ({"root_fs": "btrfs", "root_compress": "zstd:16"}, "root-compress=zstd:16 is not for"),
        ({"root_fs": "squashfs", "root_compress": "lz4hc"}, "root-compress=lz4hc is not for"),
        ({"root_subvolumes": "@"}, "not for a root of ext4"),
        ({"root_fs": "btrfs", "root_subvolumes": "@,@b:/boot"}, "where a partition is mounted"),
        ({"mkfs_arg": "home=-m 5"}, "for a partition that the table does not have"),
        ({"table": "label: gpt; aimager@root:"}, "no partition for booting"),
    ],
)
def test_refusals(words: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        table_of(BOARD, HERE, **words)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_disk_there_is_nothing_to_say(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}= has no effect on the board none"):
        read_storage(BOARDS["none"], make_words({name: "x"}, HERE))


@pytest.mark.parametrize(
    "text", ["", ",", "@home:/home", "@:relative", "a/b:/", "@,@:/home", "@,b", "@,b:/../x", "..:/"]
)
def test_what_are_no_subvolumes(text: str) -> None:
    with pytest.raises(ConfigError, match="root-subvolumes="):
        read_subvolumes(text)


def test_commas_in_arguments_are_kept() -> None:
    assert read_arguments("root=-O ^has_journal,^64bit -m 0,boot=-s 4,root=-L 'a b'") == (
        (Role.root, ("-O", "^has_journal,^64bit", "-m", "0", "-L", "a b")),
        (Role.boot, ("-s", "4")),
    )
    assert read_arguments("root=-m crc=1,reflink=0,boot=-s 8, home=-m 0") == (
        (Role.root, ("-m", "crc=1,reflink=0")),
        (Role.boot, ("-s", "8")),
        (Role.home, ("-m", "0")),
    )
    assert read_arguments("") == ()


@pytest.mark.parametrize("text", ["-m 5", "raw=-x", "root='", "root", "other=-m 5"])
def test_what_are_no_arguments(text: str) -> None:
    with pytest.raises(ConfigError, match="mkfs-arg="):
        read_arguments(text)


def test_what_the_disk_starts_from(tmp_path: Path) -> None:
    (tmp_path / "loader.img").write_bytes(b"x")
    assert read_disk_from(None, (), tmp_path) is None
    found = read_disk_from("loader.img", (Product.disk,), tmp_path)
    assert found == tmp_path / "loader.img"
    with pytest.raises(ConfigError, match=r"disk-from=other\.img: there is no such file"):
        read_disk_from("other.img", (Product.disk,), tmp_path)
    with pytest.raises(ConfigError, match="has no effect without"):
        read_disk_from("loader.img", (Product.root_tar,), tmp_path)
