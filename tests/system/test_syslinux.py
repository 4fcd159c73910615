"""SYSLINUX's menu has an entry for each kernel, and its modules are beside it."""

from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.sandbox.tree import Tree
from aimager.system.bootloader import syslinux
from aimager.system.kernels import Kernel
from tests.support.places import GOLDEN

MODULES = "usr/lib/syslinux/bios"

KERNELS = (
    Kernel(
        name="linux",
        version="6.18.1-arch1-1",
        image=Path("vmlinuz-linux"),
        initramfs=Path("initramfs-linux.img"),
        microcode=(Path("amd-ucode.img"), Path("intel-ucode.img")),
    ),
    Kernel(
        name="linux-lts",
        version="6.12.1-1-lts",
        image=Path("vmlinuz-linux-lts"),
        initramfs=Path("booster-linux-lts.img"),
    ),
)


def command_line(name: str) -> str:
    return f"root=UUID=12345678-1234-8234-8234-123456789abc rw kernel={name}"


def install(root: Path, kernels: tuple[Kernel, ...] = KERNELS) -> None:
    syslinux.install(Tree(root), kernels, command_line=command_line, title="Arch Linux")


def test_configuration() -> None:
    text = syslinux.configuration(KERNELS, command_line=command_line, title="Arch Linux")
    assert text == (GOLDEN / "syslinux.cfg").read_text()


def test_files(tmp_path: Path) -> None:
    boot = tmp_path / "boot"
    boot.mkdir()
    (tmp_path / MODULES).mkdir(parents=True)
    names = ("libcom32.c32", "libutil.c32", "menu.c32")
    for name in names:
        (tmp_path / MODULES / name).write_text(name)
    install(tmp_path)
    found = {p.relative_to(boot).as_posix(): p for p in boot.rglob("*") if p.is_file()}
    assert sorted(found) == [*(f"syslinux/{name}" for name in names), "syslinux/syslinux.cfg"]
    assert found["syslinux/menu.c32"].read_text() == "menu.c32"
    assert {path.stat().st_mode & 0o777 for path in found.values()} == {0o644}


def test_a_missing_module_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=rf"module /{MODULES}/menu\.c32 is missing") as caught:
        install(tmp_path)
    assert "the package syslinux" in caught.value.hint


def test_no_kernel(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no kernel"):
        install(tmp_path, ())
