"""A card with one partition boots, as Arch Linux ARM lays out its own: U-Boot reads the root."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager.commands.boot.probe import BootProbe
from aimager.config.board_file import load_board
from aimager.model.architecture import Architecture
from aimager.model.board import Board, Firmware
from aimager.model.partition import MiB
from tests.support.booting import PATIENCE, see_it_run, spared
from tests.support.ext4_reader import read_ext4
from tests.support.first_difference import read_partitions
from tests.support.node import Window
from tests.support.runs import Doit
from tests.support.trees import check_ext4

TEXT = '''"""QEMU's virt, as if it started from a card; what lies there is its own U-Boot."""

from aimager.definitions import Architecture, card_board, imx

BOARD = card_board(
    id="virt-card",
    name="QEMU's virt",
    architecture=Architecture.aarch64,
    distro="archlinuxarm",
    kernel="linux-aarch64",
    u_boot="uboot-qemu",
    raw_pieces=imx(file="u-boot.bin"),
    console="ttyAMA0,115200",
)
'''
CONFIGURATION = "/boot/extlinux/extlinux.conf"


@dataclass(frozen=True)
class Card:
    """An image whose settings were changed after it was made, and one that was made of that."""

    board: Board
    built: Path
    personalised: Path


def words(board: Board, *more: str) -> str:
    """Those of a first boot, which has the root grow."""
    updated = "systemd.condition_needs_update=no"
    return "append-all=" + " ".join((*board.command_line, PATIENCE, updated, *more))


@pytest.fixture(scope="module")
def card(
    ports: Doit, mirror_for: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Card]:
    mirror_for(Architecture.aarch64)
    folder = tmp_path_factory.mktemp("card")
    path = folder / "virt_card.py"
    path.write_text(TEXT)
    board = load_board(path).board
    given = (f"board={path}", spared(ports.folder), "chpasswd=root:secret")
    ports.build(*given, words(board, "first=1"))
    ports.build(*given, words(board))
    disk = ports.out / "archlinuxarm-aarch64-virt-card/disk.img"
    to = folder / "personalised.img"
    done = Doit(ports.folder, ()).command("personalise", f"image={disk}", f"to={to}", "hostname=me")
    subprocess.run(
        [word for word in done if not word.startswith("out=")], env=ports.environment, check=True
    )
    yield Card(board, disk, to)


def read_root(image: Path) -> dict[str, str]:
    """What the files say by which the root of an image is booted and mounted."""
    disk = Window.whole(image)
    (root,) = read_partitions(disk)
    wanted = (CONFIGURATION, "/etc/fstab", "/etc/hostname")
    part = disk.part(root.start * 512, root.sectors * 512)
    return {n.path: n.read().decode() for n in read_ext4(part) if n.path in wanted}


def test_its_settings_were_written_into_what_was_there(card: Card, ports: Doit) -> None:
    logs = ports.cache.glob("log/pack-image*virt-card*")
    assert "$ mke2fs" not in max(logs, key=lambda log: log.stat().st_mtime_ns).read_text()
    found = read_root(card.built)
    assert "first=1" not in found[CONFIGURATION]
    for line in ("LINUX /boot/Image", "INITRD /boot/initramfs-linux.img", "FDTDIR /boot/dtbs"):
        assert f"    {line}\n" in found[CONFIGURATION]
    mounted = [line.split()[1] for line in found["/etc/fstab"].splitlines()[1:]]
    assert mounted == ["/"]


def test_u_boot_lies_before_the_partition(card: Card, tmp_path: Path) -> None:
    disk = Window.whole(card.personalised)
    (root,) = read_partitions(disk)
    assert root.start * 512 == 16 * MiB
    part = disk.part(root.start * 512, root.sectors * 512)
    (u_boot,) = (node.read() for node in read_ext4(part) if node.path == "/boot/u-boot.bin")
    assert disk.read(1024, len(u_boot)) == u_boot
    image = tmp_path / "root.img"
    image.write_bytes(part.read(0, part.size))
    check_ext4(image)


def test_what_is_personalised_names_its_own_root(card: Card) -> None:
    built, own = read_root(card.built), read_root(card.personalised)
    assert own["/etc/hostname"] == "me\n"
    identity = own["/etc/fstab"].splitlines()[1].split()[0]
    assert identity not in built["/etc/fstab"]
    assert f" root={identity} " in own[CONFIGURATION]


@pytest.mark.nightly
def test_it_boots(card: Card, ports: Doit) -> None:
    """On a larger card; a kernel's update brings files of the names that it is booted by."""
    with BootProbe(
        Architecture.aarch64,
        card.built,
        log=ports.cache / "log/boot-virt-card.log",
        firmware=Firmware.u_boot,
        disk_size=4 << 30,
        network=False,
    ) as probe:
        assert set(card.board.command_line) <= set(see_it_run(probe, boot="ext4"))
        assert "linux-aarch64" in probe.run("pacman --query --owns --quiet /boot/Image")
        assert "/boot/initramfs-linux.img" in probe.run("cat /etc/mkinitcpio.d/*.preset")
        assert int(probe.run("findmnt --noheadings --bytes --output SIZE /")) > 3 << 30
