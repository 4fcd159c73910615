"""QEMU and UEFI firmware of a newer Debian than the host."""

from pathlib import Path

import pytest

from aimager.commands.boot import firmware as qemu_firmware
from aimager.commands.boot import qemu
from aimager.commands.boot.firmware import find_uefi
from aimager.model.architecture import Architecture
from tests.support import newer_debian

PACKAGES = {
    Architecture.riscv64: ("qemu-system-riscv", "qemu-efi-riscv64"),
    Architecture.loong64: ("qemu-system-misc", "qemu-efi-loongarch64"),
}
"""Debian's, of the system emulation and of the firmware of an architecture."""


def use_newer_qemu(architecture: Architecture, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Have aimager run QEMU and firmware for ``architecture`` out of ``folder``, and put it there.

    :raises AimagerError: when they cannot be fetched
    """
    root = newer_debian.unpack("trixie", PACKAGES[architecture], folder)
    name = f"qemu-system-{architecture.qemu}"
    program = newer_debian.make_runner(root, name, "-L", root / "usr/share/qemu")
    described = root / "usr/share/qemu/firmware"
    for path in described.glob("*.json"):
        # It names the firmware as if it were installed.
        path.write_text(
            path.read_text().replace('"/usr/share/qemu-efi', f'"{root}/usr/share/qemu-efi')
        )
    found = find_uefi(architecture, (described,))
    patch.setattr(qemu, "find_qemu_system", lambda _: program)
    patch.setattr(qemu_firmware, "find_uefi", lambda _: found)
