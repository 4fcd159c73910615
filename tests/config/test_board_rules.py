"""A board that breaks a rule is refused in a sentence, whether its file is run or read as data."""

from dataclasses import replace
from pathlib import Path

import pytest

from aimager.config.board_file import load_board, read_board
from aimager.config.board_rules import check_board
from aimager.errors import ConfigError
from aimager.model.board import Board, Bootloader, RawPiece
from aimager.model.partition import (
    FileSystem,
    GiB,
    Label,
    Partition,
    PartitionTable,
    Role,
    Subvolume,
    boot_fat,
    root_ext4,
)
from aimager.model.settings import AddedFile, Script
from boards import BOARDS
from tests.support.places import ROOT

LIKE = BOARDS["aarch64-uboot"]


def broken(**fields: object) -> Board:
    return replace(LIKE, **fields)  # type: ignore[arg-type]


def said(board: Board) -> str:
    with pytest.raises(ConfigError) as caught:
        check_board(board, "the board mine")
    assert caught.value.hint
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    ("board", "told"),
    [
        (broken(id="a" * 64), f"has the id '{'a' * 64}'"),
        (broken(name=" "), "has the name ' '"),
        (broken(name="a\x1b[2J"), r"has the name 'a\x1b[2J'"),
        (broken(distros=("alarm",)), "has alarm in distros=, which is another name of archlinuxa"),
        (broken(distros=("archlinuxarm",) * 2), "has archlinuxarm twice in distros="),
        (broken(repositories=("7Ji", "7Ji")), "has 7Ji twice in repositories="),
        (broken(packages=("linux-aarch64",)), "has linux-aarch64 twice in kernels= and packages="),
        (broken(packages=("a b",)), "has the package 'a b', which is not the name"),
        (broken(packages=("a,b",)), "has the package 'a,b', which is not the name"),
        (broken(kernels=("-x",)), "has the package '-x', which is not the name"),
        (broken(bootloaders=(Bootloader.extlinux,) * 2), "has extlinux twice in bootloaders="),
        (broken(devicetree="a.dtb", bootloaders=()), "has devicetree=, which only extlinux uses"),
        (broken(kernel_room=9, bootloaders=()), "has kernel_room=, which only extlinux uses"),
        (broken(devicetree="/a.dtb"), "has '/a.dtb' in devicetree="),
        (broken(devicetree="a b.dtb"), "has 'a b.dtb' in devicetree="),
        (broken(boot_files=("../x",)), "has '../x' in boot_files=, which is not a path"),
        (broken(boot_files=("",)), "has '' in boot_files=, which is not a path"),
        (broken(kernel_room=-1), "has kernel_room=-1"),
        (broken(command_line=("quiet", "a\nb")), r"has 'a\nb' in command_line=, which is not one"),
        (broken(command_line=("",)), "has '' in command_line=, which is not one"),
        (
            broken(raw_pieces=(RawPiece("x", 512),), partition_table=None),
            "has raw_pieces=, but no disk for them",
        ),
        (broken(raw_pieces=(RawPiece("/boot/x", 512),)), "has the boot loader '/boot/x'"),
        (broken(raw_pieces=(RawPiece("", 512),)), "has the boot loader ''"),
        (broken(services=("sshd",)), "has 'sshd' in services=, which is not a unit"),
        (broken(services=("a b.service",)), "has 'a b.service' in services=, which is not a unit"),
        (broken(files=(AddedFile("etc/motd", ""),)), "has 'etc/motd' in files="),
        (broken(files=(AddedFile("/../motd", ""),)), "has '/../motd' in files="),
        (broken(files=(AddedFile("/etc/", ""),)), "has '/etc/' in files="),
        (broken(files=(AddedFile("/a\0b", ""),)), r"has '/a\x00b' in files="),
        (broken(files=(AddedFile("/\ud800", ""),)), r"has '/\ud800' in files="),
        (broken(files=(AddedFile("/motd", "", 0o77777),)), "has the mode 77777 in files="),
        (broken(files=(AddedFile("/motd", "", owner="a:b:c"),)), "has the owner 'a:b:c' in files="),
        (broken(scripts=(Script("a/b", "#!/bin/sh"),)), "has the script 'a/b', which no file can"),
        (broken(scripts=(Script("a", "echo"),)), "has the script 'a', which does not say what"),
    ],
)  # fmt: skip
def test_a_board_that_breaks_a_rule(board: Board, told: str) -> None:
    message = said(board)
    assert message.startswith("the board mine has ")
    assert told in message


def on(*partitions: Partition, label: Label = Label.gpt, id: str = "") -> Board:
    return broken(partition_table=PartitionTable(label, partitions, id=id))


ROOT_OF = Partition(Role.root, FileSystem.ext4)
UUID = "0fc63daf-8483-4772-8e79-3d69d8477de4"
AT, AT_BOOT = (Subvolume("@", "/"),), Subvolume("@boot", "/boot")


@pytest.mark.parametrize(
    ("board", "told"),
    [
        (on(boot_fat(GiB)), "has no partition for the root"),
        (on(boot_fat(GiB), root_ext4(GiB), root_ext4()), "has several partitions for root"),
        (on(Partition(Role.boot, FileSystem.vfat), root_ext4()), "for boot and without a size"),
        (on(root_ext4(), id="zz"), "has the id zz, which a gpt label cannot have"),
        (on(root_ext4(), id="zz", label=Label.dos), "has the id zz, which a dos label cannot have"),
        (on(replace(ROOT_OF, type="x")), "has the type x, which a gpt label does not have"),
        (on(replace(ROOT_OF, uuid="x")), "has the partition id x"),
        (
            on(replace(boot_fat(GiB), uuid=UUID), replace(ROOT_OF, uuid=UUID.upper())),
            "gives two partitions the same uuid",
        ),
        (on(replace(ROOT_OF, start=1_000_001)), "with start=1000001, which is not in whole"),
        (on(replace(ROOT_OF, start=-512)), "with start=-512, which is not in whole sectors"),
        (on(root_ext4(1_000_001)), "with size=1000001, which is not in whole sectors"),
        (on(root_ext4(0)), "with size=0, which is not in whole sectors"),
        (on(replace(ROOT_OF, attributes="x")), "has the attributes x"),
        (on(replace(ROOT_OF, name="x" * 37)), "which a GPT cannot hold"),
        (on(replace(ROOT_OF, name="x"), label=Label.dos), "which a DOS label cannot have"),
        (on(replace(ROOT_OF, file_system=FileSystem.vfat)), "for root with the file system vfat"),
        (on(Partition(Role.swap, FileSystem.ext4, GiB), ROOT_OF), "for swap with the file system"),
        (on(Partition(Role.raw, FileSystem.ext4, GiB), ROOT_OF), "without a mark with the file"),
        (on(Partition(Role.boot, FileSystem.none, GiB), ROOT_OF), "for boot with the file system"),
        (on(replace(ROOT_OF, compression="zstd")), "has the compression zstd, which ext4 does not"),
        (on(replace(ROOT_OF, subvolumes=(Subvolume("@", "/"),))), "has subvolumes in ext4"),
        (
            on(Partition(Role.root, FileSystem.btrfs, subvolumes=(Subvolume("a/b", "/"),))),
            "has subvolumes with names or folders that cannot be",
        ),
        (
            on(
                boot_fat(GiB),
                replace(ROOT_OF, file_system=FileSystem.btrfs, subvolumes=(*AT, AT_BOOT)),
            ),
            "has a subvolume for /boot, where a partition is mounted",
        ),
        (on(replace(ROOT_OF, file_system_id="zz")), "has the file system's id zz, which ext4 has"),
    ],
)  # fmt: skip
def test_a_disk_that_breaks_a_rule(board: Board, told: str) -> None:
    message = said(board)
    assert message.startswith("the partition table of the board mine ")
    assert told in message


def test_a_file_is_held_to_the_rules(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    text = (ROOT / "boards/aarch64_uboot.py").read_text()
    path.write_text(text.replace("rootwait", "root wait"))
    for read in (load_board, read_board):
        with pytest.raises(ConfigError) as caught:
            read(path)
        assert caught.value.message == (
            f"the board {path} has 'root wait' in command_line=, which is not one word"
        )


@pytest.mark.parametrize("text", [r"a\0b", r"\ud800"])
def test_no_text_is_one_that_no_file_can_have(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    own = (ROOT / "boards/aarch64_uboot.py").read_text()
    path.write_text(own.replace('tested="', f'tested="{text}'))
    for read in (load_board, read_board):
        with pytest.raises(ConfigError, match="has a text with a NUL character, or half a surr"):
            read(path)
