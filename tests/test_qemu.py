"""Tests of the QEMU command lines, the search for firmware, and the test for KVM."""

import fcntl
import json
import os
from pathlib import Path

import pytest

from aimager import process, qemu
from aimager.architecture import Architecture
from aimager.errors import HostError
from aimager.qemu import Firmware, Flash, boot_command, find_firmware, kvm_works

GOLDEN = Path(__file__).parent / "golden"
FIRMWARE = Firmware(Flash(Path("/fw/code.fd")), Flash(Path("/tmp/variables.fd")))


@pytest.mark.parametrize("kvm", [False, True], ids=["tcg", "kvm"])
@pytest.mark.parametrize("architecture", Architecture)
def test_boot_command(architecture: Architecture, kvm: bool) -> None:
    program = Path(f"/usr/bin/qemu-system-{architecture}")
    command = boot_command(
        architecture, Path("/out/disk.img"), program=program, firmware=FIRMWARE, kvm=kvm
    )
    golden = GOLDEN / f"qemu-{architecture}-{'kvm' if kvm else 'tcg'}.txt"
    assert "\n".join(command) + "\n" == golden.read_text()


def test_boot_command_choices() -> None:
    command = boot_command(
        Architecture.x86_64,
        Path("/a,b/disk.img"),
        program=Path("qemu"),
        firmware=Firmware(Flash(Path("/fw/code"), "qcow2"), Flash(Path("/fw/vars"), "qcow2")),
        kvm=False,
        snapshot=False,
        memory_mib=512,
        cpus=1,
        network=False,
    )
    assert "if=none,id=disk,format=raw,file=/a,,b/disk.img,cache=unsafe" in command
    assert "if=pflash,format=qcow2,readonly=on,file=/fw/code" in command
    assert command[command.index("-nic") + 1] == "none"
    assert command[command.index("-m") + 1] == "512M"
    assert command[command.index("-smp") + 1] == "1"


def describe(
    folder: Path,
    name: str,
    *,
    architecture: str = "x86_64",
    machine: str = "pc-q35-*",
    features: tuple[str, ...] = (),
    variables: bool = True,
) -> None:
    """Write a descriptor, and beside it the code and variables that it tells of."""
    mapping = {"device": "flash"} | {
        key: {"filename": str(folder / f"{name}.{key}"), "format": "raw"}
        for key in ("executable", "nvram-template")[: 1 + variables]
    }
    for key in ("executable", "nvram-template"):
        (folder / f"{name}.{key}").write_bytes(b"UEFI")
    (folder / f"{name}.json").write_text(
        json.dumps(
            {
                "interface-types": ["uefi"],
                "mapping": mapping,
                "targets": [{"architecture": architecture, "machines": ["pc-x", machine]}],
                "features": features,
            }
        )
    )


def test_find_firmware_takes_the_first_that_boots_anything(tmp_path: Path) -> None:
    describe(tmp_path, "10-guarded", features=("acpi-s3", "requires-smm"))
    describe(tmp_path, "20-enrolled", features=("enrolled-keys",))
    describe(tmp_path, "30-stateless", variables=False)
    describe(tmp_path, "40-arm", architecture="aarch64", machine="virt-*")
    describe(tmp_path, "50-other-machine", machine="microvm")
    describe(tmp_path, "60-gone")
    (tmp_path / "60-gone.executable").unlink()
    describe(tmp_path, "70-good", features=("acpi-s3",))
    describe(tmp_path, "80-also-good")
    found = find_firmware(Architecture.x86_64, (tmp_path,))
    assert found.code == Flash(tmp_path / "70-good.executable")
    assert found.variables == Flash(tmp_path / "70-good.nvram-template")
    arm = find_firmware(Architecture.aarch64, (tmp_path,))
    assert arm.code.path == tmp_path / "40-arm.executable"


def test_the_administrators_descriptor_hides_the_package_s(tmp_path: Path) -> None:
    etc, usr = tmp_path / "etc", tmp_path / "usr"
    etc.mkdir()
    usr.mkdir()
    describe(usr, "60-masked")
    describe(usr, "70-good")
    (etc / "60-masked.json").touch()
    found = find_firmware(Architecture.x86_64, (etc, usr))
    assert found.code.path == usr / "70-good.executable"


def test_find_firmware_missing(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"no UEFI firmware for aarch64.*\n.*setup\.sh"):
        find_firmware(Architecture.aarch64, (tmp_path, tmp_path / "missing"))


def test_find_qemu_system_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(process.ENVIRONMENT, "PATH", str(tmp_path))
    with pytest.raises(HostError, match="qemu-system-aarch64 is missing"):
        qemu.find_qemu_system(Architecture.aarch64)


def test_private_firmware_fills_the_flash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    describe(tmp_path, "arm", architecture="aarch64", machine="virt-*")
    installed = find_firmware(Architecture.aarch64, (tmp_path,))
    monkeypatch.setattr(qemu, "find_firmware", lambda architecture: installed)
    with qemu.private_firmware(Architecture.aarch64) as firmware:
        for flash in (firmware.code, firmware.variables):
            assert flash.path.stat().st_size == 64 << 20
            assert flash.path.open("rb").read(5) == b"UEFI\0"
    assert not firmware.variables.path.exists()
    assert installed.variables.path.read_bytes() == b"UEFI"
    with qemu.private_firmware(Architecture.x86_64) as firmware:
        assert firmware.code == installed.code
        assert firmware.variables.path.read_bytes() == b"UEFI"


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
