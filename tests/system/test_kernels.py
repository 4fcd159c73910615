"""Kernels are found in the layouts of Arch Linux and of Arch Linux ARM."""

from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.sandbox.tree import Tree
from aimager.system.kernels import Kernel, find_kernels


def arch_kernel(root: Path, name: str, version: str, initramfs: str) -> None:
    modules = root / "usr/lib/modules" / version
    modules.mkdir(parents=True)
    (modules / "pkgbase").write_text(f"{name}\n")
    preset = root / "etc/mkinitcpio.d" / f"{name}.preset"
    preset.parent.mkdir(parents=True, exist_ok=True)
    preset.write_text(f'ALL_kver="/boot/vmlinuz-{name}"\nPRESETS=("default")\n')
    boot_files(root, f"vmlinuz-{name}", initramfs)


def boot_files(root: Path, *names: str) -> None:
    for name in names:
        path = root / "boot" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def alarm_kernel(root: Path, image: str, *, name: str = "linux-aarch64") -> None:
    (root / "usr/lib/modules/7.2.0-1-ARCH").mkdir(parents=True)
    preset = root / "etc/mkinitcpio.d" / f"{name}.preset"
    preset.parent.mkdir(parents=True)
    preset.write_text("# preset\nALL_config=x\nALL_kver='7.2.0-1-ARCH'\nPRESETS=('default')\n")
    boot_files(root, image, "initramfs-linux.img", "dtbs/broadcom/bcm2711-rpi-4-b.dtb")


def test_arch_kernels_are_sorted(tmp_path: Path) -> None:
    arch_kernel(tmp_path, "linux-lts", "6.12.1-1-lts", "booster-linux-lts.img")
    arch_kernel(tmp_path, "linux", "6.18.1-arch1-1", "initramfs-linux.img")
    boot_files(tmp_path, "initramfs-linux-fallback.img", "intel-ucode.img", "amd-ucode.img")
    microcode = (Path("amd-ucode.img"), Path("intel-ucode.img"))
    assert find_kernels(Tree(tmp_path)) == (
        Kernel(
            name="linux",
            version="6.18.1-arch1-1",
            image=Path("vmlinuz-linux"),
            initramfs=Path("initramfs-linux.img"),
            microcode=microcode,
        ),
        Kernel(
            name="linux-lts",
            version="6.12.1-1-lts",
            image=Path("vmlinuz-linux-lts"),
            initramfs=Path("booster-linux-lts.img"),
            microcode=microcode,
        ),
    )


def test_a_masked_preset_is_of_no_kernel(tmp_path: Path) -> None:
    arch_kernel(tmp_path, "linux", "6.18.1-arch1-1", "initramfs-linux.img")
    (tmp_path / "etc/mkinitcpio.d/other.preset").symlink_to("/dev/null")
    (tmp_path / "etc/mkinitcpio.d/linux.preset").write_bytes(b"# caf\xe9\n")
    (tmp_path / "usr/lib/modules/old/pkgbase").mkdir(parents=True)
    assert [kernel.name for kernel in find_kernels(Tree(tmp_path))] == ["linux"]


@pytest.mark.parametrize("image", ["Image", "zImage"])
def test_alarm_kernel(tmp_path: Path, image: str) -> None:
    alarm_kernel(tmp_path, image)
    (tmp_path / "usr/lib/modules/extramodules-7.2").mkdir()
    assert find_kernels(Tree(tmp_path)) == (
        Kernel(
            name="linux-aarch64",
            version="7.2.0-1-ARCH",
            image=Path(image),
            initramfs=Path("initramfs-linux.img"),
            devicetrees=Path("dtbs"),
        ),
    )


def test_raspberry_pi_kernel(tmp_path: Path) -> None:
    alarm_kernel(tmp_path, "kernel8.img", name="linux-rpi")
    (tmp_path / "usr/lib/modules/7.2.0-1-ARCH/pkgbase").write_text("linux-rpi\n")
    (tmp_path / "boot/vmlinuz-linux-rpi").write_text("")  # as booster's hook copies it
    (kernel,) = find_kernels(Tree(tmp_path))
    assert kernel.name == "linux-rpi"
    assert kernel.image == Path("kernel8.img")
    assert kernel.initramfs == Path("initramfs-linux.img")


def test_devicetrees_of_a_named_kernel(tmp_path: Path) -> None:
    arch_kernel(tmp_path, "linux-board", "6.18", "initramfs-linux-board.img")
    boot_files(tmp_path, "dtbs/linux-board/a.dtb")
    assert find_kernels(Tree(tmp_path))[0].devicetrees == Path("dtbs/linux-board")


def test_a_root_without_kernel(tmp_path: Path) -> None:
    assert find_kernels(Tree(tmp_path)) == ()


def test_a_missing_initramfs_is_named(tmp_path: Path) -> None:
    arch_kernel(tmp_path, "linux", "6.18", "initramfs-linux.img")
    arch_kernel(tmp_path, "linux-lts", "6.12", "initramfs-linux-lts-fallback.img")
    with pytest.raises(ImageError, match=r"linux-lts 6\.12 .* booster-linux-lts\.img"):
        find_kernels(Tree(tmp_path))


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    arch_kernel(tmp_path, "linux", "6.18", "initramfs-linux.img")
    (tmp_path / "boot/vmlinuz-linux").unlink()
    with pytest.raises(ImageError, match=r"linux 6\.18 has no image"):
        find_kernels(Tree(tmp_path))
