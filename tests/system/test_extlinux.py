"""U-Boot finds extlinux.conf with an entry for each kernel, and the device trees that it names."""

from dataclasses import replace
from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.sandbox.tree import Tree
from aimager.system.bootloader import extlinux
from aimager.system.kernels import Kernel
from tests.support.places import GOLDEN

ALARM = Kernel(
    name="linux-aarch64",
    version="7.2.0-1-ARCH",
    image=Path("Image"),
    initramfs=Path("initramfs-linux.img"),
    devicetrees=Path("dtbs"),
)
ARCH = Kernel(
    name="linux",
    version="6.18.1-arch1-1",
    image=Path("vmlinuz-linux"),
    initramfs=Path("initramfs-linux.img"),
)


def command_line(name: str) -> str:
    return f"root=UUID=12345678-1234-8234-8234-123456789abc rw kernel={name}"


def install(root: Path, *kernels: Kernel, devicetree: str = "") -> str:
    boot = root / "boot"
    boot.mkdir(exist_ok=True)
    extlinux.install(
        Tree(root), kernels, command_line=command_line, title="Arch Linux", devicetree=devicetree
    )
    return (boot / "extlinux/extlinux.conf").read_text()


def test_configuration(tmp_path: Path) -> None:
    text = install(tmp_path, ALARM, ARCH)
    assert text == (GOLDEN / "extlinux.conf").read_text()


def test_the_device_tree_of_a_board(tmp_path: Path) -> None:
    text = install(tmp_path, ALARM, devicetree="amlogic/box.dtb")
    assert "    FDT /dtbs/amlogic/box.dtb\n" in text
    assert "FDTDIR" not in text
    with pytest.raises(ImageError, match="the kernel linux has no device trees"):
        install(tmp_path, ALARM, ARCH, devicetree="amlogic/box.dtb")


def test_boot_may_be_a_folder_of_the_root(tmp_path: Path) -> None:
    (tmp_path / "boot").mkdir()
    extlinux.install(
        Tree(tmp_path), [ALARM], command_line=command_line, title="Arch Linux", folder="/boot"
    )
    lines = (tmp_path / "boot/extlinux/extlinux.conf").read_text().splitlines()
    assert [line.strip() for line in lines[6:9]] == [
        "LINUX /boot/Image",
        "INITRD /boot/initramfs-linux.img",
        "FDTDIR /boot/dtbs",
    ]


def test_device_trees_beside_modules_are_copied(tmp_path: Path) -> None:
    own = tmp_path / "usr/lib/modules" / ARCH.version / "dtb/sifive/board.dtb"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"dtb")
    boot = tmp_path / "boot"
    stale = boot / "dtbs/linux/gone.dtb"
    stale.parent.mkdir(parents=True)
    stale.touch()
    text = install(tmp_path, ARCH, replace(ALARM, version=ARCH.version))
    assert "    FDTDIR /dtbs/linux\n" in text
    assert "    FDTDIR /dtbs\n" in text, "what a package has put into /boot is taken as it is"
    copied = boot / "dtbs/linux/sifive/board.dtb"
    assert copied.read_bytes() == b"dtb"
    assert copied.stat().st_mode & 0o777 == 0o644
    assert not stale.exists()


def test_no_kernel(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no kernel"):
        install(tmp_path)
