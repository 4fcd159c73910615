"""Firmware for QEMU is found where distributions keep it, and given to it in the right way."""

import json
from pathlib import Path

import pytest

from aimager.commands.boot import firmware as qemu_firmware
from aimager.commands.boot.firmware import (
    Flash,
    Uefi,
    find_u_boot,
    find_uefi,
    private_firmware,
    uefi_options,
)
from aimager.errors import HostError
from aimager.model.architecture import Architecture
from aimager.model.board import Firmware


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


def test_find_uefi_takes_the_first_that_boots_anything(tmp_path: Path) -> None:
    describe(tmp_path, "10-guarded", features=("acpi-s3", "requires-smm"))
    describe(tmp_path, "20-enrolled", features=("enrolled-keys",))
    describe(tmp_path, "30-stateless", variables=False)
    describe(tmp_path, "40-arm", architecture="aarch64", machine="virt-*")
    describe(tmp_path, "50-other-machine", machine="microvm")
    describe(tmp_path, "60-gone")
    (tmp_path / "60-gone.executable").unlink()
    describe(tmp_path, "70-good", features=("acpi-s3",))
    describe(tmp_path, "80-also-good")
    found = find_uefi(Architecture.x86_64, (tmp_path,))
    assert found.code == Flash(tmp_path / "70-good.executable")
    assert found.variables == Flash(tmp_path / "70-good.nvram-template")
    arm = find_uefi(Architecture.aarch64, (tmp_path,))
    assert arm.code.path == tmp_path / "40-arm.executable"


def test_the_administrators_descriptor_hides_the_package_s(tmp_path: Path) -> None:
    etc, usr = tmp_path / "etc", tmp_path / "usr"
    etc.mkdir()
    usr.mkdir()
    describe(usr, "60-masked")
    describe(usr, "70-good")
    (etc / "60-masked.json").touch()
    found = find_uefi(Architecture.x86_64, (etc, usr))
    assert found.code.path == usr / "70-good.executable"


def test_find_uefi_missing(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"no UEFI firmware for aarch64.*\n.*setup\.sh"):
        find_uefi(Architecture.aarch64, (tmp_path, tmp_path / "missing"))


def flashes(options: tuple[str, ...]) -> list[Path]:
    """The files of the flash devices that QEMU's options name."""
    return [Path(word.rpartition("file=")[2]) for word in options if word.startswith("if=pflash")]


def test_private_firmware_fills_the_flash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    describe(tmp_path, "arm", architecture="aarch64", machine="virt-*")
    installed = find_uefi(Architecture.aarch64, (tmp_path,))
    monkeypatch.setattr(qemu_firmware, "find_uefi", lambda architecture: installed)
    with private_firmware(Architecture.aarch64, Firmware.uefi) as options:
        code, variables = flashes(options)
        for path in (code, variables):
            assert path.stat().st_size == 64 << 20
            assert path.open("rb").read(5) == b"UEFI\0"
    assert not variables.exists()
    assert installed.variables.path.read_bytes() == b"UEFI"
    with private_firmware(Architecture.x86_64, Firmware.uefi) as options:
        code, variables = flashes(options)
        assert code == installed.code.path
        assert variables.read_bytes() == b"UEFI"


def test_uefi_options() -> None:
    options = uefi_options(Uefi(Flash(Path("/a,b/code"), "qcow2"), Flash(Path("/fw/vars"))))
    assert options == (
        *("-drive", "if=pflash,format=qcow2,readonly=on,file=/a,,b/code"),
        *("-drive", "if=pflash,format=raw,readonly=off,file=/fw/vars"),
    )


def u_boot(folder: Path, name: str) -> Path:
    path = folder / name / "u-boot.bin"
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def test_find_u_boot(tmp_path: Path) -> None:
    debian, fedora = tmp_path / "debian", tmp_path / "fedora"
    arm64 = u_boot(fedora, "qemu_arm64")
    assert find_u_boot(Architecture.aarch64, (debian, fedora)) == arm64
    ours = u_boot(debian, "qemu_arm64")
    assert find_u_boot(Architecture.aarch64, (debian, fedora)) == ours
    for missing in (Architecture.riscv64, Architecture.x86_64):
        with pytest.raises(HostError, match=f"no U-Boot for QEMU's {missing} machines"):
            find_u_boot(missing, (debian, fedora))


def test_u_boot_is_the_firmware_or_what_opensbi_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = u_boot(tmp_path, "any")
    monkeypatch.setattr(qemu_firmware, "find_u_boot", lambda architecture: found)
    for architecture, option in {
        Architecture.riscv64: "-kernel",
        Architecture.armv7h: "-bios",
    }.items():
        with private_firmware(architecture, Firmware.u_boot) as options:
            assert options == (option, str(found))


def test_qemu_brings_its_own_bios() -> None:
    with private_firmware(Architecture.i686, Firmware.bios) as options:
        assert options == ()


def test_a_firmware_that_qemu_cannot_run() -> None:
    with (
        pytest.raises(HostError, match="no Raspberry Pi that runs"),
        private_firmware(Architecture.aarch64, Firmware.raspberry_pi),
    ):
        pass
