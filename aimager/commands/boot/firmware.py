"""Firmware for QEMU's machines: where it is installed, and the options that bring it in."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimager import files
from aimager.errors import HostError
from aimager.model.architecture import Architecture
from aimager.model.board import Firmware

DESCRIPTOR_FOLDERS = (Path("/etc/qemu/firmware"), Path("/usr/share/qemu/firmware"))
"""Where QEMU's firmware descriptors lie, the administrator's first (QEMU's
docs/interop/firmware.json). Debian, Arch, Fedora and openSUSE each keep the firmware itself
elsewhere, and all describe it here."""

U_BOOT_FOLDERS = (Path("/usr/lib/u-boot"), Path("/usr/share/uboot"))
"""Where Debian's u-boot-qemu and Fedora's uboot-images lie, which nothing describes."""

U_BOOTS = {
    Architecture.aarch64: "qemu_arm64",
    Architecture.armv7h: "qemu_arm",
    Architecture.riscv64: "qemu-riscv64_smode",
}
"""U-Boot's names of its ports to QEMU's machine ``virt``."""

SETUP_HINT = "./setup.sh installs QEMU and its firmware"

_MACHINES = {Architecture.x86_64: "pc-q35-"}
"""How the names of machines begin that a descriptor must be for; of others, ``virt``."""

_UNWANTED_FEATURES = frozenset({"requires-smm", "secure-boot", "enrolled-keys"})
"""Firmware that would refuse an unsigned boot loader, or needs a machine that guards it."""

_FLASH_SIZE = {Architecture.aarch64: 64 << 20}
"""What a flash device of the machine must be filled to; other machines take any size."""


@dataclass(frozen=True)
class Flash:
    """A file for one of the machine's flash devices, and QEMU's name of its format."""

    path: Path
    format: str = "raw"


@dataclass(frozen=True)
class Uefi:
    """A UEFI firmware: its code, and its variables, which the guest changes."""

    code: Flash
    variables: Flash


def find_uefi(architecture: Architecture, folders: tuple[Path, ...] = DESCRIPTOR_FOLDERS) -> Uefi:
    """The first UEFI firmware, in the order of its descriptors' names, that boots anything.

    A descriptor hides those of the same name in later folders.

    :raises HostError: when none is installed
    """
    descriptors: dict[str, Path] = {}
    for folder in reversed(folders):
        descriptors |= {path.name: path for path in folder.glob("*.json")}
    for name in sorted(descriptors):
        text = descriptors[name].read_text().strip()
        firmware = _described(json.loads(text), architecture) if text else None
        if firmware and firmware.code.path.is_file() and firmware.variables.path.is_file():
            return firmware
    raise HostError(f"there is no UEFI firmware for {architecture} machines", hint=SETUP_HINT)


def _described(descriptor: dict[str, Any], architecture: Architecture) -> Uefi | None:
    """The firmware that a descriptor describes, if it suits ``architecture``."""
    mapping = descriptor["mapping"]
    machine = _MACHINES.get(architecture, "virt")
    if (
        "uefi" not in descriptor["interface-types"]
        or not _UNWANTED_FEATURES.isdisjoint(descriptor["features"])
        or mapping["device"] != "flash"
        or "nvram-template" not in mapping
        or not any(
            target["architecture"] == architecture.qemu and name.startswith(machine)
            for target in descriptor["targets"]
            for name in target["machines"]
        )
    ):
        return None
    code, variables = mapping["executable"], mapping["nvram-template"]
    return Uefi(
        Flash(Path(code["filename"]), code["format"]),
        Flash(Path(variables["filename"]), variables["format"]),
    )


def find_u_boot(architecture: Architecture, folders: tuple[Path, ...] = U_BOOT_FOLDERS) -> Path:
    """U-Boot for the machine ``virt`` of ``architecture``.

    :raises HostError: when it is not installed, or does not exist
    """
    if name := U_BOOTS.get(architecture):
        for folder in folders:
            if (path := folder / name / "u-boot.bin").is_file():
                return path
    raise HostError(f"there is no U-Boot for QEMU's {architecture} machines", hint=SETUP_HINT)


def check_firmware(architecture: Architecture, kind: Firmware) -> None:
    """See that ``private_firmware`` will find what it needs.

    :raises HostError: when it will not
    """
    match kind:
        case Firmware.uefi:
            find_uefi(architecture)
        case Firmware.u_boot:
            find_u_boot(architecture)
        case Firmware.raspberry_pi:
            raise HostError(
                "QEMU has no Raspberry Pi that runs its own firmware",
                hint="write the image to a card for the machine itself",
            )


@contextmanager
def private_firmware(architecture: Architecture, kind: Firmware) -> Iterator[tuple[str, ...]]:
    """QEMU's options for a firmware of ``kind``, whose changes last as long as the block.

    QEMU brings its own BIOS (SeaBIOS) and OpenSBI, which starts what is given as a kernel.

    :raises HostError: when it is not installed
    """
    check_firmware(architecture, kind)
    match kind:
        case Firmware.uefi:
            with _private_uefi(architecture) as firmware:
                yield uefi_options(firmware)
        case Firmware.u_boot:
            option = "-kernel" if architecture is Architecture.riscv64 else "-bios"
            yield (option, str(find_u_boot(architecture)))
        case _:
            yield ()


@contextmanager
def _private_uefi(architecture: Architecture) -> Iterator[Uefi]:
    """The firmware with copies of its variables, and of its code where that is padded to its flash.

    They are removed when the block ends: every boot starts from the same variables.
    """
    firmware = find_uefi(architecture)
    size = _FLASH_SIZE.get(architecture, 0)
    with tempfile.TemporaryDirectory(prefix="aimager-qemu-") as name:
        code = firmware.code
        if code.format == "raw" and code.path.stat().st_size < size:
            code = _flash_copy(code, Path(name, "code"), size)
        yield Uefi(code, _flash_copy(firmware.variables, Path(name, "variables"), size))


def _flash_copy(flash: Flash, target: Path, size: int) -> Flash:
    files.copy_sparse(flash.path, target)
    if flash.format == "raw" and target.stat().st_size < size:
        os.truncate(target, size)
    return Flash(target, flash.format)


def uefi_options(firmware: Uefi) -> tuple[str, ...]:
    """QEMU's options for the two flash devices of ``firmware``."""
    return (
        *_flash_drive(firmware.code, read_only=True),
        *_flash_drive(firmware.variables, read_only=False),
    )


def _flash_drive(flash: Flash, *, read_only: bool) -> tuple[str, str]:
    access = "on" if read_only else "off"
    return (
        "-drive",
        f"if=pflash,format={flash.format},readonly={access},file={quoted(flash.path)}",
    )


def quoted(path: Path) -> str:
    """The path within an option's comma-separated value."""
    return str(path).replace(",", ",,")
