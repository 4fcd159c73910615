"""Every boot loader is told all that its kernel needs to find and mount the root."""

from pathlib import Path

import pytest

from aimager.model.image_ids import ImageIds
from aimager.model.partition import FileSystem, Role
from aimager.sandbox.tree import Tree
from aimager.system.boot import make_bootable
from aimager.system.fstab import root_words
from boards import BOARDS
from tests.support.efi_program import EFI_PROGRAM

BOARD = BOARDS["rpi4"]
PHYTIUM = BOARDS["phytium-d2000"]
PACKAGED = "root=/dev/mmcblk0p2 rw rootwait console=tty1\n"


def make_root(root: Path) -> None:
    """What of a root the boot loaders look at, with the files of linux-rpi."""
    for name, text in {
        "etc/hostname": "pi\n",
        "usr/lib/modules/6/pkgbase": "linux-rpi\n",
        "boot/config.txt": "initramfs initramfs-linux.img followkernel\n",
        "boot/cmdline.txt": PACKAGED,
        "boot/initramfs-linux.img": "x",
        **{f"boot/{name}": "x" for name in BOARD.boot_files},
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize("kind", [FileSystem.ext4, FileSystem.btrfs, FileSystem.squashfs])
def test_a_raspberry_pi_is_told_how_to_mount_its_root(tmp_path: Path, kind: FileSystem) -> None:
    make_root(tmp_path)
    assert BOARD.partition_table
    assert BOARD.architecture
    ids = ImageIds("seed", BOARD.partition_table.changed(Role.root, file_system=kind))
    make_bootable(
        Tree(tmp_path),
        BOARD.boot,
        ids,
        architecture=BOARD.architecture,
        words=lambda kernel: (),
        title="Arch Linux ARM",
    )
    words = (tmp_path / "boot/cmdline.txt").read_text().split()
    how = root_words(ids)[1:]
    assert words == [f"root=PARTUUID={ids.disk}-02", *how, "rootwait", "console=tty1"]


def test_the_boards_first_kernel_is_booted(tmp_path: Path) -> None:
    names = ("linux-aarch64-7ji", "linux-aarch64-phytium-git", "linux-zen")
    for name in ("etc/hostname", "usr/lib/systemd/boot/efi/systemd-bootaa64.efi"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    (tmp_path / "boot").mkdir()
    for name in names:
        (tmp_path / "usr/lib/modules" / name).mkdir(parents=True)
        (tmp_path / "usr/lib/modules" / name / "pkgbase").write_text(f"{name}\n")
        for image in (f"vmlinuz-{name}", f"booster-{name}.img"):
            (tmp_path / "boot" / image).write_bytes(EFI_PROGRAM)
    assert PHYTIUM.partition_table
    assert PHYTIUM.architecture
    make_bootable(
        Tree(tmp_path),
        PHYTIUM.boot,
        ImageIds("seed", PHYTIUM.partition_table),
        architecture=PHYTIUM.architecture,
        words=lambda kernel: (),
        title="Arch Linux ARM",
    )
    loader = (tmp_path / "boot/loader/loader.conf").read_text()
    assert loader.startswith("default linux-aarch64-phytium-git.conf\n")
