"""Images of Arm boards boot in QEMU: by U-Boot, and as a Raspberry Pi's firmware would."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from aimager.commands.boot.probe import BootProbe
from aimager.commands.boot.qemu import check
from aimager.commands.boot.raspberry_pi import Kernel, read_kernel
from aimager.model.architecture import Architecture
from aimager.model.board import Firmware
from boards import BOARDS
from tests.support.booting import WORDS, build, see_it_boot, see_it_run, spared
from tests.support.runs import Doit

MATCHING = ["aarch64-uboot", "armv7h-uboot"]
"""The boards that a machine of QEMU's is like; that with UEFI is booted by test_builds."""

PIS = ["rpi2", "rpi3"]
"""The Raspberry Pis that QEMU has."""

PI_WORDS = f"append-all=rootwait console=serial0,115200 console=tty1 {WORDS}"


@pytest.mark.parametrize("name", MATCHING)
def test_it_boots(name: str, ports: Doit, mirror_for: Callable[[str], Path]) -> None:
    board = BOARDS[name]
    assert board.architecture
    check(board.architecture, board.firmware[0])
    see_it_boot(ports, mirror_for, name)


@pytest.mark.parametrize("name", PIS)
def test_a_raspberry_pi_boots_from_its_card(
    name: str, ports: Doit, mirror_for: Callable[[str], Path]
) -> None:
    """By the kernel, initramfs, device tree and cmdline.txt of its boot partition."""
    board = BOARDS[name]
    assert board.architecture
    image = build(ports, mirror_for, name, PI_WORDS, spared(ports.folder)).folder / "disk.img"
    with BootProbe(
        board.architecture,
        image,
        log=ports.cache / "log" / f"boot-{name}.log",
        firmware=Firmware.raspberry_pi,
        boot_files=board.boot_files,
    ) as probe:
        see_it_run(probe)
        model = probe.run("tr -d '\\0' </proc/device-tree/model")
        assert model.startswith(board.name)


def test_the_root_of_a_raspberry_pi_4_boots_with_a_substitute_kernel(
    ports: Doit, mirror_for: Callable[[str], Path], tmp_path: Path
) -> None:
    """On QEMU's virt; its Raspberry Pi 4 lacks what kernels look for in it."""
    other = build(ports, mirror_for, "aarch64-uboot", "create=part-boot.img").folder
    names = ("Image", "initramfs-linux.img")
    copied = [f"::/{name}" for name in names]
    subprocess.run(["mcopy", "-i", other / "part-boot.img", *copied, tmp_path], check=True)
    image = build(ports, mirror_for, "rpi4", PI_WORDS, spared(ports.folder)).folder / "disk.img"
    taken = tmp_path / "own"
    taken.mkdir()
    own = read_kernel(image, taken, kernel="kernel8.img", console="ttyAMA0")
    with BootProbe(
        Architecture.aarch64,
        image,
        log=ports.cache / "log/boot-rpi4.log",
        kernel=Kernel(tmp_path / names[0], tmp_path / names[1], own.command_line),
        disk_size=4 << 30,
    ) as probe:
        assert see_it_run(probe) == own.command_line.split()
