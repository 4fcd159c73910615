"""QEMU's system emulation: its machines, the command line, and a boot at the terminal.

An image is only ever read: what the guest writes goes to a temporary file of QEMU's.
``aimager.commands.boot.probe`` boots without anybody watching.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from aimager import process
from aimager.commands.boot.firmware import SETUP_HINT, check_firmware, private_firmware, quoted
from aimager.commands.boot.raspberry_pi import raspberry_pi_command
from aimager.errors import HostError
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.board import Firmware

_KVM_CREATE_VM = 0xAE01  # linux/kvm.h


@dataclass(frozen=True)
class Machine:
    """The machine of QEMU's that stands for an architecture's, and its CPU without KVM."""

    name: str
    cpu: str


_PC = Machine("q35", "max")

MACHINES = {
    Architecture.x86_64: _PC,
    Architecture.i686: _PC,
    Architecture.pentium4: _PC,
    Architecture.i486: _PC,
    Architecture.aarch64: Machine("virt", Architecture.aarch64.qemu_cpu),
    # What lies above 4 GiB, a kernel without LPAE does not reach.
    Architecture.armv7h: Machine("virt,highmem=off", Architecture.armv7h.qemu_cpu),
    Architecture.riscv64: Machine("virt", Architecture.riscv64.qemu_cpu),
    Architecture.loong64: Machine("virt", Architecture.loong64.qemu_cpu),
}


def boot_command(
    architecture: Architecture,
    image: Path,
    *,
    program: Path,
    firmware: Sequence[str],
    kvm: bool,
    snapshot: bool = True,
    memory_mib: int = 2048,
    cpus: int = 2,
    network: bool = True,
) -> list[str]:
    """The command that boots ``image``, its serial port on standard input and output.

    ``firmware`` are the options that bring it in. With ``snapshot`` the image is opened for
    reading only. ``network`` is one that reaches nothing but QEMU itself, which gives an address
    by DHCP. A reboot of the guest ends QEMU.
    """
    disk = f"if=none,id=disk,format=raw,file={quoted(image)}"
    return [
        str(program),
        *_machine(architecture, kvm),
        # UEFI waits five seconds for a key, and Arm's reads another time only if it has a menu.
        *("-boot", "menu=on,splash-time=0"),
        *("-m", f"{memory_mib}M", "-smp", str(cpus)),
        *firmware,
        # Writes need not outlive a crash of the host.
        *("-drive", disk + ",cache=unsafe" + (",snapshot=on" if snapshot else "")),
        *("-device", "virtio-blk-pci,drive=disk,bootindex=0"),
        *(_network() if network else ("-nic", "none")),
        *("-device", "virtio-rng-pci"),
        # Without QEMU's graphics card and CD drive, which nobody sees, and drivers would drive.
        *("-nodefaults", "-nographic", "-serial", "mon:stdio", "-no-reboot"),
    ]


def _machine(architecture: Architecture, kvm: bool) -> list[str]:
    machine = MACHINES[architecture]
    if not kvm:
        return ["-machine", machine.name, "-accel", "tcg", "-cpu", machine.cpu]
    # KVM offers only the interrupt controller that an Arm host has.
    gic = ",gic-version=host" if architecture is Architecture.aarch64 else ""
    return ["-machine", machine.name + gic, "-accel", "kvm", "-cpu", "host"]


def _network() -> tuple[str, ...]:
    # Without an option ROM, which Debian has in a package of its own: nothing boots from there.
    device = "virtio-net-pci,netdev=net,romfile="
    return "-netdev", "user,id=net,restrict=on", "-device", device


def find_qemu_system(architecture: Architecture) -> Path:
    """The program that emulates a machine of ``architecture``.

    :raises HostError: when it is not installed
    """
    name = f"qemu-system-{architecture.qemu}"
    if found := shutil.which(name, path=process.ENVIRONMENT["PATH"]):
        return Path(found)
    raise HostError(f"the program {name} is missing", hint=SETUP_HINT)


def check(architecture: Architecture, firmware: Firmware) -> None:
    """See that there is all that a boot of such a machine needs.

    :raises HostError: when QEMU or its firmware is missing
    """
    find_qemu_system(architecture)
    check_firmware(architecture, firmware)


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


def boot(
    architecture: Architecture, image: Path, firmware: Firmware, boot_files: Sequence[str] = ()
) -> int:
    """Boot ``image`` with the user's terminal as its serial port, and return QEMU's status.

    ``boot_files`` are those of a Raspberry Pi's board. Ctrl-c goes to the guest; ctrl-a x leaves.

    :raises HostError: when QEMU, its firmware or a machine like that is missing
    """
    program = find_qemu_system(architecture)
    with ExitStack() as stack:
        if firmware is Firmware.raspberry_pi:
            command = stack.enter_context(raspberry_pi_command(program, image, boot_files))
        else:
            command = boot_command(
                architecture,
                image,
                program=program,
                firmware=stack.enter_context(private_firmware(architecture, firmware)),
                kvm=kvm_works(architecture),
            )
        stack.enter_context(_terminal_kept())
        return subprocess.call(command, env=process.ENVIRONMENT)


@contextmanager
def _terminal_kept() -> Iterator[None]:
    """Restore the terminal's settings, however QEMU ended."""
    if not sys.stdin.isatty():
        yield
        return
    attributes = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, attributes)
