"""Tests of the QEMU command lines, and of the test for KVM."""

import fcntl
import os
from pathlib import Path

import pytest

from aimager import process
from aimager.commands.boot import qemu
from aimager.commands.boot.qemu import boot_command, check, kvm_works
from aimager.errors import HostError
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
