"""Every board is whole; a new one is tested by being there."""

import ast
import re
from pathlib import Path

import pytest

import boards
from aimager.config.board_rules import check_board
from aimager.config.bootable import check_bootable
from aimager.config.build import read_build
from aimager.distros import DISTROS
from aimager.model.board import Board, Bootloader
from aimager.model.partition import Label, Role
from boards import BOARDS

FILES = {
    path.stem: path for path in Path(boards.__file__).parent.glob("*.py") if path.stem != "__init__"
}
every_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)


def test_each_file_defines_the_board_of_its_name() -> None:
    assert [board.replace("-", "_") for board in BOARDS] == sorted(FILES)


@pytest.mark.parametrize("path", FILES.values(), ids=FILES)
def test_a_file_is_short_and_nothing_but_a_board(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) < 40
    module = ast.parse(text)
    assert ast.get_docstring(module)
    statements = [s for s in module.body[1:] if not isinstance(s, ast.ImportFrom)]
    assert len(statements) == 1
    assert isinstance(statements[0], ast.Assign)
    assert re.match(r"BOARD = (Board|card_board|allwinner_board)\(", ast.unparse(statements[0]))


@every_board
def test_it_keeps_to_what_a_users_own_has_to(board: Board) -> None:
    check_board(board, f"the board {board.id}")


@every_board
def test_its_distributions_exist_and_are_made_for_it(board: Board) -> None:
    known = {distro.id: distro for distro in DISTROS}
    for name in board.distros:
        assert name in known
        if board.architecture:
            assert board.architecture in known[name].architectures


@every_board
def test_a_disk_can_be_booted_and_has_one_root(board: Board) -> None:
    table = board.partition_table
    if table is None:
        assert not (board.kernels or board.initramfs or board.bootloaders or board.command_line)
        return
    assert board.kernels
    assert board.initramfs
    assert board.architecture
    assert table.growing is table.with_role(Role.root), "the first boot grows the last partition"
    assert board.tested


@every_board
def test_its_firmware_finds_what_it_starts(board: Board) -> None:
    table = board.partition_table
    if table is None:
        return
    assert board.bootloaders
    assert len(set(board.firmware)) == len(board.firmware)
    check_bootable(board, table, f"the board {board.id}")
    boot = table.with_role(Role.boot)
    assert table.partitions[0] is table.booted, "SYSLINUX needs the root's tree, Pis take the first"
    for loader in board.bootloaders:
        match loader:
            case Bootloader.systemd_boot | Bootloader.extlinux:
                # U-Boot takes an ESP of a GPT, and what is marked bootable of a DOS label.
                assert table.label is Label.dos or (boot and boot.esp)
            case Bootloader.syslinux:
                assert {"syslinux", "mtools"} <= set(board.packages)
            case Bootloader.raspberry_pi_firmware:
                assert table.label is Label.dos
                assert "kernel8.img" in board.boot_files or "kernel7.img" in board.boot_files


@every_board
def test_it_can_be_built_for_each_of_its_distributions(board: Board) -> None:
    for distro in DISTROS:
        if board.distros and distro.id not in board.distros:
            continue
        architectures = distro.architectures
        if board.architecture:
            assert board.architecture in architectures
            architectures = (board.architecture,)
        for architecture in architectures:
            words = {"board": board.id, "distro": distro.id, "arch": architecture.value}
            build = read_build(words, Path("/"))
            assert build
            assert build.id == f"{distro.id}-{architecture}-{board.id}"


def test_there_is_a_board_that_is_none() -> None:
    none = BOARDS["none"]
    assert none.installs == ()
    assert none.partition_table is None
