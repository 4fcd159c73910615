"""systemd-boot is where firmware looks for it, with an entry for each kernel."""

import os
from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.model.architecture import Architecture
from aimager.sandbox.tree import Tree
from aimager.system.bootloader import systemd_boot
from aimager.system.kernels import Kernel
from tests.support.efi_program import EFI_PROGRAM
from tests.support.places import GOLDEN

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
    systemd_boot.install(
        Tree(root),
        Architecture.x86_64,
        kernels,
        command_line=command_line,
        title="Arch Linux",
    )


def test_texts() -> None:
    text = systemd_boot.loader_text(KERNELS[0])
    for kernel in KERNELS:
        text += "\n" + systemd_boot.entry_text(
            kernel, title="Arch Linux", command_line=command_line(kernel.name)
        )
    assert text == (GOLDEN / "systemd-boot.txt").read_text()


def test_files_and_modes(tmp_path: Path) -> None:
    program = tmp_path / "root/usr/lib/systemd/boot/efi/systemd-bootx64.efi"
    program.parent.mkdir(parents=True)
    program.write_bytes(b"MZ")
    boot = tmp_path / "root/boot"
    boot.mkdir()
    for kernel in KERNELS:
        (boot / kernel.image).write_bytes(EFI_PROGRAM)
        (boot / kernel.image).chmod(0o644)
    before = os.umask(0o077)
    try:
        install(tmp_path / "root")
        install(tmp_path / "root")
    finally:
        os.umask(before)
    found = {path.relative_to(boot).as_posix(): path for path in sorted(boot.rglob("*"))}
    assert [name for name, path in found.items() if path.is_file()] == [
        "EFI/BOOT/BOOTX64.EFI",
        "EFI/systemd/systemd-bootx64.efi",
        "loader/entries/linux-lts.conf",
        "loader/entries/linux.conf",
        "loader/entries.srel",
        "loader/loader.conf",
        "vmlinuz-linux",
        "vmlinuz-linux-lts",
    ]
    for path in found.values():
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)
    assert found["EFI/BOOT/BOOTX64.EFI"].read_bytes() == b"MZ"
    assert found["loader/entries.srel"].read_text() == "type1\n"


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"systemd-bootx64\.efi is missing") as caught:
        install(tmp_path)
    assert "the package systemd" in caught.value.hint


def test_no_kernel(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no kernel"):
        install(tmp_path, ())
