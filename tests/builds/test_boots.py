"""Images of boards boot in QEMU, each by the boot loader of its own kind of firmware.

Those of Arm boards are booted by test_arm_boots: the two run side by side.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from aimager.commands.boot.qemu import check
from aimager.errors import AimagerError, HostError
from aimager.model.architecture import Architecture
from aimager.model.board import Firmware
from boards import BOARDS
from tests.builds import test_arm_boots
from tests.builds.test_platforms import lend_qemu
from tests.support.booting import see_it_boot
from tests.support.newer_qemu import use_newer_qemu
from tests.support.runs import Doit

MATCHING = ["x64-legacy", "x86-legacy", "riscv64-uboot", "riscv64-uefi", "loong64-uefi"]
"""The boards that a machine of QEMU's is like; that with UEFI of x86_64 is the demonstration's."""

WITH_NETWORKD = {"x64-legacy"}
"""Those that are to come up although there is no network to wait for."""


@pytest.fixture
def newer_qemu(test_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Architecture], None]:
    """Takes QEMU and firmware of a newer Debian, where the host's are too old."""

    def use(architecture: Architecture) -> None:
        try:
            use_newer_qemu(architecture, test_cache / "newer", monkeypatch)
        except AimagerError as error:
            pytest.skip(f"there is no firmware for {architecture}, nor can it be had: {error}")

    return use


@pytest.mark.parametrize("name", MATCHING)
def test_it_boots(
    name: str,
    ports: Doit,
    mirror_for: Callable[[str], Path],
    newer_qemu: Callable[[Architecture], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    board = BOARDS[name]
    assert board.architecture
    try:
        check(board.architecture, board.firmware[0])
    except HostError:
        if board.firmware[0] is not Firmware.uefi:
            raise
        newer_qemu(board.architecture)
    if board.architecture is Architecture.loong64:
        lend_qemu(board.architecture, mirror_for(board.architecture), tmp_path)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    see_it_boot(ports, mirror_for, name, networkd=name in WITH_NETWORKD)


def test_every_board_is_booted_or_checked_or_says_that_it_is_not() -> None:
    pis = {board.id for board in BOARDS.values() if Firmware.raspberry_pi in board.firmware}
    untried = {board.id for board in BOARDS.values() if board.tested.startswith("not tried")}
    matching = {*MATCHING, *test_arm_boots.MATCHING}
    tried = {*matching, *pis, "x64-uefi", "aarch64-uefi", "none"}
    assert tried | untried == set(BOARDS)
    assert not tried & untried
