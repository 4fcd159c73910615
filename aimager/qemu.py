"""QEMU's system emulation: which firmware there is, the command line, and a boot at the terminal.

An image is only ever read: what the guest writes goes to a temporary file of QEMU's.
``aimager.boot_probe`` boots without anybody watching.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimager import files, process
from aimager.architecture import Architecture, host_architecture
from aimager.errors import HostError

FIRMWARE_FOLDERS = (Path("/etc/qemu/firmware"), Path("/usr/share/qemu/firmware"))
"""Where QEMU's firmware descriptors lie, the administrator's first (QEMU's
docs/interop/firmware.json). Debian, Arch, Fedora and openSUSE each keep the firmware itself
elsewhere, and all describe it here."""

_UNWANTED_FEATURES = frozenset({"requires-smm", "secure-boot", "enrolled-keys"})
"""Firmware that would refuse an unsigned boot loader, or needs a machine that guards it."""

_FLASH_SIZE = {Architecture.aarch64: 64 << 20}
"""What a flash device of the machine must be filled to; other machines take any size."""

_SETUP_HINT = "./setup.sh installs QEMU and its firmware"

_KVM_CREATE_VM = 0xAE01  # linux/kvm.h


@dataclass(frozen=True)
class Flash:
    """A file for one of the machine's flash devices, and QEMU's name of its format."""

    path: Path
    format: str = "raw"


@dataclass(frozen=True)
class Firmware:
    """A UEFI firmware: its code, and its variables, which the guest changes."""

    code: Flash
    variables: Flash


def boot_command(
    architecture: Architecture,
    image: Path,
    *,
    program: Path,
    firmware: Firmware,
    kvm: bool,
    snapshot: bool = True,
    memory_mib: int = 2048,
    cpus: int = 2,
    network: bool = True,
) -> list[str]:
    """The command that boots ``image`` under UEFI, its serial port on standard input and output.

    With ``snapshot`` the image is opened for reading only. ``network`` is one that reaches nothing
    but QEMU itself, which gives an address by DHCP. A reboot of the guest ends QEMU.
    """
    disk = f"if=none,id=disk,format=raw,file={_quoted(image)}"
    return [
        str(program),
        *_machine(architecture, kvm),
        *("-m", f"{memory_mib}M", "-smp", str(cpus)),
        *_flash_drive(firmware.code, read_only=True),
        *_flash_drive(firmware.variables, read_only=False),
        # Writes need not outlive a crash of the host.
        *("-drive", disk + ",cache=unsafe" + (",snapshot=on" if snapshot else "")),
        *("-device", "virtio-blk-pci,drive=disk,bootindex=0"),
        *(_network() if network else ("-nic", "none")),
        *("-device", "virtio-rng-pci"),
        *("-nographic", "-no-reboot"),
    ]


def _machine(architecture: Architecture, kvm: bool) -> list[str]:
    if architecture is Architecture.aarch64:
        # KVM offers only the interrupt controller that the host has.
        machine = "virt,gic-version=host" if kvm else "virt"
        model = architecture.qemu_cpu
    else:
        machine = "q35"
        model = "max"
    accelerator = "kvm" if kvm else "tcg"
    cpu = "host" if kvm else model
    return ["-machine", machine, "-accel", accelerator, "-cpu", cpu]


def _flash_drive(flash: Flash, *, read_only: bool) -> tuple[str, str]:
    access = "on" if read_only else "off"
    file = _quoted(flash.path)
    return "-drive", f"if=pflash,format={flash.format},readonly={access},file={file}"


def _network() -> tuple[str, ...]:
    # Without an option ROM, which Debian has in a package of its own: nothing boots from there.
    device = "virtio-net-pci,netdev=net,romfile="
    return "-netdev", "user,id=net,restrict=on", "-device", device


def _quoted(path: Path) -> str:
    """The path within an option's comma-separated value."""
    return str(path).replace(",", ",,")


def find_qemu_system(architecture: Architecture) -> Path:
    """The program that emulates a machine of ``architecture``.

    :raises HostError: when it is not installed
    """
    name = f"qemu-system-{architecture.qemu}"
    if found := shutil.which(name, path=process.ENVIRONMENT["PATH"]):
        return Path(found)
    raise HostError(f"the program {name} is missing", hint=_SETUP_HINT)


def find_firmware(
    architecture: Architecture, folders: tuple[Path, ...] = FIRMWARE_FOLDERS
) -> Firmware:
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
    raise HostError(f"there is no UEFI firmware for {architecture} machines", hint=_SETUP_HINT)


def _described(descriptor: dict[str, Any], architecture: Architecture) -> Firmware | None:
    """The firmware that a descriptor tells of, if it is of use for ``architecture``."""
    mapping = descriptor["mapping"]
    machine = {Architecture.x86_64: "pc-q35-", Architecture.aarch64: "virt-"}[architecture]
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
    return Firmware(
        Flash(Path(code["filename"]), code["format"]),
        Flash(Path(variables["filename"]), variables["format"]),
    )


@contextmanager
def private_firmware(architecture: Architecture) -> Iterator[Firmware]:
    """The firmware with variables, and where it is too small for its flash also code, of its own.

    They are copies, removed when the block ends: every boot starts from the same variables.
    """
    firmware = find_firmware(architecture)
    size = _FLASH_SIZE.get(architecture, 0)
    with tempfile.TemporaryDirectory(prefix="aimager-qemu-") as name:
        code = firmware.code
        if code.format == "raw" and code.path.stat().st_size < size:
            code = _flash_copy(code, Path(name, "code"), size)
        yield Firmware(code, _flash_copy(firmware.variables, Path(name, "variables"), size))


def _flash_copy(flash: Flash, target: Path, size: int) -> Flash:
    files.copy_sparse(flash.path, target)
    if flash.format == "raw" and target.stat().st_size < size:
        os.truncate(target, size)
    return Flash(target, flash.format)


def kvm_works(
    architecture: Architecture,
    *,
    device: Path = Path("/dev/kvm"),
    cpuinfo: Path = Path("/proc/cpuinfo"),
) -> bool:
    """Whether this machine can run ``architecture`` by KVM.

    A virtual machine is made to see it (the kernel's Documentation/virt/kvm/api.rst). An x86 CPU
    must have the feature too: a KVM that does without, as cloud sandboxes have, makes machines
    and then fails in OVMF's first instructions ("KVM internal error. Suberror: 1").
    """
    if architecture != host_architecture():
        return False
    if architecture is Architecture.x86_64:
        flags = re.findall(r"^flags\s*:(.*)", cpuinfo.read_text(), re.MULTILINE)
        if not flags or {"svm", "vmx"}.isdisjoint(flags[0].split()):
            return False
    try:
        descriptor = os.open(device, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.close(fcntl.ioctl(descriptor, _KVM_CREATE_VM, 0))
        finally:
            os.close(descriptor)
    except OSError:
        return False
    return True


def boot(architecture: Architecture, image: Path) -> int:
    """Boot ``image`` with the user's terminal as its serial port, and return QEMU's status.

    Ctrl-c goes to the guest; ctrl-a x leaves.

    :raises HostError: when QEMU or its firmware is missing
    """
    program = find_qemu_system(architecture)
    with private_firmware(architecture) as firmware, _terminal_kept():
        command = boot_command(
            architecture, image, program=program, firmware=firmware, kvm=kvm_works(architecture)
        )
        return subprocess.call(command, env=process.ENVIRONMENT)


@contextmanager
def _terminal_kept() -> Iterator[None]:
    """Put the terminal back to how it was, whatever QEMU's end left of it."""
    if not sys.stdin.isatty():
        yield
        return
    attributes = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, attributes)
