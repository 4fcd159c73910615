"""Images for Raspberry Pis hold what their firmware looks for, by its own rules.

QEMU has no Raspberry Pi that runs the firmware. Its rules: raspberrypi.com/documentation/computers,
"Boot folder contents" and "config.txt".
"""

import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager.model.board import Board, Bootloader, Firmware
from aimager.system.bootloader.raspberry_pi_configuration import (
    families,
    named_files,
    read_statements,
)
from boards import BOARDS
from tests.support.booting import build
from tests.support.runs import Doit

NAMES = [board.id for board in BOARDS.values() if Firmware.raspberry_pi in board.firmware]

MODELS = {
    "bcm2709-rpi-2-b.dtb": b"raspberrypi,2-model-b",
    "bcm2710-rpi-3-b.dtb": b"raspberrypi,3-model-b",
    "bcm2710-rpi-zero-2-w.dtb": b"raspberrypi,model-zero-2-w",
    "bcm2711-rpi-4-b.dtb": b"raspberrypi,4-model-b",
    "bcm2712-rpi-5-b.dtb": b"raspberrypi,5-model-b",
}
"""What the device tree of a model says that it is compatible with."""

FAT_LBA, LINUX = 0x0C, 0x83


@dataclass(frozen=True)
class Card:
    """An image: the record of its partitions, and the files of the first one."""

    board: Board
    sector: bytes
    boot: Path

    def partition(self, number: int) -> tuple[int, int]:
        """The type and the first sector of a partition."""
        entry = self.sector[446 + 16 * (number - 1) :][:16]
        return entry[4], struct.unpack_from("<I", entry, 8)[0]


@pytest.fixture(scope="module", params=NAMES)
def card(
    request: pytest.FixtureRequest,
    ports: Doit,
    mirror_for: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Card:
    """The card of each board in turn."""
    image = build(ports, mirror_for, request.param, "create=disk.img,part-boot.img")
    boot = tmp_path_factory.mktemp(request.param)
    subprocess.run(
        ["mcopy", "-s", "-n", "-i", image.folder / "part-boot.img", "::/", boot], check=True
    )
    with (image.folder / "disk.img").open("rb") as stream:
        return Card(image.board, stream.read(512), boot)


def test_the_first_partition_is_one_that_the_firmware_reads(card: Card) -> None:
    assert card.sector[510:] == b"\x55\xaa"
    assert card.partition(1)[0] == FAT_LBA
    assert card.partition(2)[0] == LINUX


def test_files(card: Card) -> None:
    for name in (*card.board.boot_files, "config.txt"):
        assert (card.boot / name).stat().st_size, name
    for name in named_files(
        read_statements((card.boot / "config.txt").read_text(), families(card.board.boot_files))
    ):
        assert (card.boot / name).stat().st_size, name


def test_the_kernel_is_one_for_its_mode(card: Card) -> None:
    """arm64's booting.rst; compressed/head.S of 32-bit Arm."""
    if "kernel7.img" in card.board.boot_files:
        assert (card.boot / "kernel7.img").read_bytes()[0x24:0x28] == b"\x18\x28\x6f\x01"
    elif Bootloader.extlinux in card.board.bootloaders:
        # U-Boot, which has no header but begins with a branch over one.
        assert (card.boot / "kernel8.img").read_bytes()[3] == 0x14
    else:
        assert (card.boot / "kernel8.img").read_bytes()[0x38:0x3C] == b"ARM\x64"


def test_device_trees_are_the_models(card: Card) -> None:
    names = [name for name in card.board.boot_files if name.endswith(".dtb")]
    assert names or Bootloader.extlinux in card.board.bootloaders, "U-Boot has its own"
    for name in names:
        tree = (card.boot / name).read_bytes()
        assert tree.startswith(b"\xd0\x0d\xfe\xed")
        assert MODELS[name] in tree


def test_the_root_is_named(card: Card) -> None:
    if Bootloader.extlinux in card.board.bootloaders:
        text = (card.boot / "extlinux/extlinux.conf").read_text()
        assert "LINUX /Image\n" in text
        assert "FDTDIR /dtbs\n" in text
        assert (card.boot / "dtbs/broadcom/bcm2711-rpi-4-b.dtb").exists()
        return
    line, end = (card.boot / "cmdline.txt").read_text().split("\n")
    assert end == ""
    (disk,) = struct.unpack_from("<I", card.sector, 440)
    assert line.split()[:2] == [f"root=PARTUUID={disk:08x}-02", "rw"]
    assert "rootwait" in line.split()
