"""Roots with the files that boards boot by, as packages leave them."""

from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.model.board import Board
from aimager.model.image_ids import ImageIds
from aimager.sandbox.tree import Tree
from aimager.system.boot import make_bootable
from aimager.system.boot_check import check_boot
from tests.support.efi_program import EFI_PROGRAM

DTBS = ("rk3328-rock64.dtb", "rk3328-rock-pi-e.dtb", "rk3399-pinebook-pro.dtb")
BOX = "meson-gxl-s905x-p212.dtb"
FILES = {
    "usr/lib/modules/6/pkgbase": "linux\n",
    "usr/lib/systemd/boot/efi/systemd-bootx64.efi": "MZ",
    "usr/lib/systemd/boot/efi/systemd-bootaa64.efi": "MZ",
    "boot/vmlinuz-linux": EFI_PROGRAM.decode(),
    "boot/initramfs-linux.img": "x",
    "boot/config.txt": "initramfs initramfs-linux.img followkernel\n",
    "boot/cmdline.txt": "root=/dev/mmcblk0p2 rw rootwait\n",
    **{f"usr/lib/syslinux/bios/{n}.c32": "x" for n in ("menu", "libutil", "libcom32")},
    **{f"boot/dtbs/linux/rockchip/{name}": "x" for name in DTBS},
    f"boot/dtbs/linux/amlogic/{BOX}": "x",
}


def make(root: Path, board: Board) -> ImageIds:
    """A root of ``board`` as it is before the user's files come."""
    for name, text in {**FILES, **{f"boot/{name}": "x" for name in board.boot_files}}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    assert board.partition_table
    assert board.architecture
    ids = ImageIds("seed", board.partition_table)
    make_bootable(
        Tree(root),
        board.boot,
        ids,
        architecture=board.architecture,
        words=lambda kernel: ("quiet",),
        title="Arch Linux",
    )
    return ids


def check(root: Path, board: Board) -> None:
    assert board.partition_table
    assert board.architecture
    check_boot(Tree(root), board.boot, ImageIds("seed", board.partition_table), board.architecture)


def refused(root: Path, board: Board) -> ImageError:
    with pytest.raises(ImageError) as caught:
        check(root, board)
    assert caught.value.hint
    return caught.value


BOARD_NAMES = ["x64-uefi", "x64-legacy", "aarch64-uboot", "rpi4", "rpi3", "aarch64-rpi-uboot"]


def append(root: Path, name: str, old: str, new: str) -> None:
    path = root / "boot" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
