"""Tests of the QEMU command lines, and of the test for KVM."""

import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from aimager import process
from aimager.commands.boot import qemu
from aimager.commands.boot.guest import Guest
from aimager.commands.boot.qemu import (
    boot_command,
    check,
    check_guest,
    find_display,
    kvm_works,
)
from aimager.errors import ConfigError, HostError
from aimager.model.architecture import Architecture
from aimager.model.board import Firmware
from tests.support.places import GOLDEN


@pytest.mark.parametrize("kvm", [False, True], ids=["tcg", "kvm"])
@pytest.mark.parametrize("architecture", Architecture)
def test_boot_command(architecture: Architecture, kvm: bool) -> None:
    program = Path(f"/usr/bin/qemu-system-{architecture}")
    firmware = ("-firmware", "of", "any", "kind")
    command = boot_command(
        architecture, Path("/out/disk.img"), program=program, firmware=firmware, kvm=kvm
    )
    golden = GOLDEN / f"qemu-{architecture}-{'kvm' if kvm else 'tcg'}.txt"
    assert "\n".join(command) + "\n" == golden.read_text()


def test_boot_command_choices() -> None:
    command = boot_command(
        Architecture.x86_64,
        Path("/a,b/disk.img"),
        program=Path("qemu"),
        firmware=(),
        kvm=False,
        snapshot=False,
        memory_mib=512,
        cpus=1,
        network=False,
    )
    assert "if=none,id=disk,format=raw,file=/a,,b/disk.img,cache=unsafe" in command
    assert command[command.index("-nic") + 1] == "none"
    assert command[command.index("-m") + 1] == "512M"
    assert command[command.index("-smp") + 1] == "1"


def command_of(architecture: Architecture, **more: Any) -> list[str]:
    image, program = Path("/disk.img"), Path("/qemu")
    return boot_command(architecture, image, program=program, firmware=(), kvm=False, **more)


def network_of(**more: Any) -> str:
    command = command_of(Architecture.x86_64, **more)
    return command[command.index("-netdev") + 1]


def test_a_guest_reaches_what_it_is_to_reach() -> None:
    assert network_of() == "user,id=net,restrict=on"
    assert network_of(internet=True) == "user,id=net"
    forwarded = "hostfwd=tcp:127.0.0.1:2222-:22"
    assert network_of(ssh_port=2222) == f"user,id=net,restrict=on,{forwarded}"
    assert network_of(ssh_port=2222, internet=True) == f"user,id=net,{forwarded}"


@pytest.mark.parametrize(
    ("architecture", "card"),
    [(Architecture.i686, "virtio-vga"), (Architecture.riscv64, "virtio-gpu-pci")],
)
def test_a_window_is_a_screen_beside_the_serial_port(architecture: Architecture, card: str) -> None:
    command = command_of(architecture, display="gtk")
    assert command[command.index("-display") + 1] == "gtk"
    assert {card, "usb-kbd", "usb-tablet"} <= set(command)
    assert "-nographic" not in command
    assert command[command.index("-serial") + 1] == "mon:stdio"


def test_more_processors_need_another_interrupt_controller() -> None:
    machines = {cpus: command_of(Architecture.aarch64, cpus=cpus) for cpus in (8, 9)}
    assert "virt" in machines[8]
    assert "virt,gic-version=3" in machines[9]


def make_qemu(path: Path, *displays: str) -> Path:
    path.write_text(f"#!/bin/sh\nprintf '%s\\n' 'Available display types:' {' '.join(displays)}\n")
    path.chmod(0o755)
    return path


def test_a_window_is_looked_for(tmp_path: Path) -> None:
    assert find_display(make_qemu(tmp_path / "q1", "none", "sdl", "gtk", "curses")) == "gtk"
    assert find_display(make_qemu(tmp_path / "q2", "none", "sdl")) == "sdl"
    with pytest.raises(HostError, match="q3 can open no window on this machine"):
        find_display(make_qemu(tmp_path / "q3", "none", "curses"))


def test_what_no_machine_of_qemu_s_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = make_qemu(tmp_path / "qemu", "none")
    monkeypatch.setattr(qemu, "find_qemu_system", lambda architecture: program)
    check_guest(Architecture.armv7h, Guest(memory=3 << 30, cpus=8))
    check_guest(Architecture.x86_64, Guest(memory=16 << 30, cpus=255))
    with pytest.raises(ConfigError, match=r"memory=4 GiB is more than QEMU's armv7h machine has"):
        check_guest(Architecture.armv7h, Guest(memory=4 << 30))
    with pytest.raises(ConfigError, match=r"cpus=9 is more than QEMU's armv7h machine has"):
        check_guest(Architecture.armv7h, Guest(cpus=9))
    with pytest.raises(ConfigError, match=r"cpus=256 is more than QEMU's x86_64 machine has"):
        check_guest(Architecture.x86_64, Guest(cpus=256))
    with pytest.raises(HostError, match="qemu can open no window"):
        check_guest(Architecture.x86_64, Guest(graphics=True))


def test_what_is_missing_for_a_boot_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu, "find_qemu_system", lambda architecture: Path("/qemu"))
    check(Architecture.x86_64, Firmware.bios)
    with pytest.raises(HostError, match="no U-Boot for QEMU's i686 machines"):
        check(Architecture.i686, Firmware.u_boot)


def test_find_qemu_system_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(process.ENVIRONMENT, "PATH", str(tmp_path))
    with pytest.raises(HostError, match="qemu-system-aarch64 is missing"):
        qemu.find_qemu_system(Architecture.aarch64)


def test_kvm_needs_the_host_s_architecture_and_the_cpu_s_feature(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(qemu, "host_architecture", lambda: Architecture.x86_64)
    monkeypatch.setattr(fcntl, "ioctl", lambda *_: os.open("/dev/null", os.O_RDONLY))
    device, cpuinfo = tmp_path / "kvm", tmp_path / "cpuinfo"
    device.touch()
    cpuinfo.write_text("model name\t: vmx\nflags\t\t: fpu svm sse\n\nflags\t\t: fpu svm sse\n")
    assert kvm_works(Architecture.x86_64, device=device, cpuinfo=cpuinfo)
    assert not kvm_works(Architecture.aarch64, device=device, cpuinfo=cpuinfo)
    assert not kvm_works(Architecture.x86_64, device=tmp_path / "missing", cpuinfo=cpuinfo)
    cpuinfo.write_text("model name\t: vmx\nflags\t\t: fpu sse\n")
    assert not kvm_works(Architecture.x86_64, device=device, cpuinfo=cpuinfo)


def test_kvm_that_cannot_make_a_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(qemu, "host_architecture", lambda: Architecture.aarch64)
    device = tmp_path / "kvm"
    device.touch()  # which has none of its ioctls
    assert not kvm_works(Architecture.aarch64, device=device)
