"""What a Raspberry Pi's firmware would start is taken out of an image, and given to QEMU's."""

import struct
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from aimager.commands.boot.raspberry_pi import (
    MODELS,
    Kernel,
    raspberry_pi_command,
    read_kernel,
    serial_number,
)
from aimager.errors import HostError, ImageError
from aimager.model.board import Firmware
from aimager.model.partition import MiB
from boards import BOARDS

UART = b"/soc/serial@7e215040"


def make_tree(alias: str) -> str:
    """As much of a device tree as tells what it calls ``UART``."""
    values = b"".join(
        struct.pack(">II", len(UART) + 1, place) + UART + b"\0\0\0\0" for place in (0, 6)
    )
    head = struct.pack(">4I", 0xD00DFEED, 0, 16, 16 + len(values))
    return (head + values + b"uart1\0" + alias.encode() + b"\0").decode("latin-1")


CONFIGURATION = "# of the package, caf\xe9\ninitramfs initramfs-linux.img followkernel\n"
FILES = {
    "config.txt": CONFIGURATION,
    "cmdline.txt": "root=PARTUUID=1-02 rw console=serial0,115200 console=tty1\n",
    "kernel8.img": "kernel",
    "initramfs-linux.img": "initramfs",
    "bcm2710-rpi-3-b.dtb": make_tree("serial1"),
}


def make_image(folder: Path, files: dict[str, str]) -> Path:
    """A disk whose first partition, at 1 MiB, is a FAT file system with these files."""
    for name, text in files.items():
        (folder / name).write_bytes(text.encode("latin-1"))
    image = folder / "a,b/disk.img"
    image.parent.mkdir()
    subprocess.run(["mkfs.fat", "-C", folder / "fat.img", "2048"], check=True, capture_output=True)
    paths = [folder / name for name in files]
    subprocess.run(["mcopy", "-i", folder / "fat.img", *paths, "::/"], check=True)
    sector = bytearray(MiB)
    struct.pack_into("<I", sector, 454, MiB // 512)
    image.write_bytes(sector + (folder / "fat.img").read_bytes())
    return image


def test_a_card_is_booted_by_what_its_boot_partition_holds(tmp_path: Path) -> None:
    image = make_image(tmp_path, FILES)
    before = image.read_bytes()
    with raspberry_pi_command(Path("/qemu"), image, BOARDS["rpi3"].boot_files) as command:
        options = dict(pairwise(command))
        assert command[:3] == ["/qemu", "-machine", "raspi3b"]
        for option, name in {
            "-kernel": "kernel8.img",
            "-initrd": "initramfs-linux.img",
            "-dtb": "bcm2710-rpi-3-b.dtb",
        }.items():
            assert Path(options[option]).read_bytes().decode("latin-1") == FILES[name]
        assert options["-append"] == ("root=PARTUUID=1-02 rw console=ttyS1,115200 console=tty1")
        card = Path(options["-drive"].rpartition("file=")[2].replace(",,", ","))
        assert card.stat().st_size == 4 << 30
        assert card.open("rb").read(len(before)) == before
        assert command[-4:] == ["-serial", "null", "-serial", "mon:stdio"]
    assert not card.exists()
    assert image.read_bytes() == before


def test_three_of_its_cpus_may_be_off(tmp_path: Path) -> None:
    image = make_image(tmp_path, FILES)
    boot_files = BOARDS["rpi3"].boot_files
    with raspberry_pi_command(Path("/qemu"), image, boot_files, one_cpu=True) as command:
        options = dict(pairwise(command))
        assert options["-global"] == "bcm2837.enabled-cpus=1"
        assert options["-append"].endswith(" console=tty1 maxcpus=1")


@pytest.mark.parametrize("name", ["rpi4", "rpi5", "aarch64-rpi-uboot", "x64-uefi"])
def test_what_qemu_has_not_is_refused(name: str, tmp_path: Path) -> None:
    with (
        pytest.raises(HostError, match="QEMU has no Raspberry Pi that this image would boot on"),
        raspberry_pi_command(Path("/qemu"), tmp_path / "disk.img", BOARDS[name].boot_files),
    ):
        pass


def test_models_are_those_of_boards() -> None:
    names = {name for board in BOARDS.values() for name in board.boot_files}
    assert MODELS.keys() <= names
    pis = [board for board in BOARDS.values() if Firmware.raspberry_pi in board.firmware]
    booted = {board.id for board in pis if MODELS.keys() & set(board.boot_files)}
    assert booted == {"rpi2", "rpi3"}


def test_without_an_initramfs_it_is_refused(tmp_path: Path) -> None:
    image = make_image(tmp_path, {**FILES, "config.txt": "enable_uart=1\n"})
    folder = tmp_path / "taken"
    folder.mkdir()
    with pytest.raises(ImageError, match=r"config\.txt names no initramfs"):
        read_kernel(image, folder, kernel="kernel8.img", console="ttyAMA0")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    image = make_image(tmp_path, {name: FILES[name] for name in ("config.txt", "cmdline.txt")})
    (tmp_path / "taken").mkdir()
    with pytest.raises(ImageError, match=r"boot partition gives no kernel8\.img: "):
        read_kernel(image, tmp_path / "taken", kernel="kernel8.img", console="ttyAMA0")


def test_the_serial_port_has_the_number_of_its_alias() -> None:
    assert serial_number(make_tree("serial1").encode("latin-1"), UART) == "1"
    assert serial_number(make_tree("serial0").encode("latin-1"), UART) == "0"
    assert serial_number(make_tree("console").encode("latin-1"), UART) == "0"


def test_options_of_a_kernel() -> None:
    kernel = Kernel(Path("/k"), Path("/i"), "root=a rw")
    assert kernel.options == ("-kernel", "/k", "-initrd", "/i", "-append", "root=a rw")
