"""QEMU's system emulation: its machines, the command line, and a boot at the terminal.

An image is only ever read: what the guest writes goes to a temporary file of QEMU's, or to a copy.
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
from aimager.commands.boot.disk import Disk
from aimager.commands.boot.firmware import SETUP_HINT, check_firmware, private_firmware, quoted
from aimager.commands.boot.guest import Guest
from aimager.commands.boot.raspberry_pi import raspberry_pi_command
from aimager.errors import ConfigError, HostError
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.board import Firmware
from aimager.model.partition import GiB, MiB
from aimager.units import exact_size

_KVM_CREATE_VM = 0xAE01  # linux/kvm.h

_WINDOWS = ("gtk", "sdl")
"""QEMU's displays that are windows; the first has a menu."""

_OF_WINDOWS = ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "HOME")
"""What of the user's environment tells where windows are shown, and who may."""


@dataclass(frozen=True)
class Machine:
    """The machine of QEMU's that stands for an architecture's, and its CPU without KVM.

    It has at most so many processors, and so much memory in bytes.
    """

    name: str
    cpu: str
    most_cpus: int = 255
    most_memory: int | None = None


_PC = Machine("q35", "max")

_GIC_V2_CPUS = 8
"""So many can Arm's interrupt controller serve that ``virt`` has if no other is named."""

MACHINES = {
    Architecture.x86_64: _PC,
    Architecture.i686: _PC,
    Architecture.pentium4: _PC,
    Architecture.i486: _PC,
    Architecture.aarch64: Machine("virt", Architecture.aarch64.qemu_cpu),
    # What lies above 4 GiB, a kernel without LPAE does not reach; below 1 GiB are devices.
    Architecture.armv7h: Machine(
        "virt,highmem=off",
        Architecture.armv7h.qemu_cpu,
        most_cpus=_GIC_V2_CPUS,
        most_memory=3 * GiB,
    ),
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
    internet: bool = False,
    ssh_port: int | None = None,
    display: str = "",
) -> list[str]:
    """The command that boots ``image``, its serial port on standard input and output.

    ``firmware`` are the options that bring it in. With ``snapshot`` the image is opened for
    reading only. ``network`` is one that reaches nothing but QEMU itself, which gives an address
    by DHCP; with ``internet`` it reaches what this machine does, and ``ssh_port`` of this machine
    leads to the guest's port for ssh. With a ``display``, one of `find_display`, it has a screen.
    A reboot of the guest ends QEMU.
    """
    disk = f"if=none,id=disk,format=raw,file={quoted(image)}"
    return [
        str(program),
        *_machine(architecture, kvm, cpus),
        # UEFI waits five seconds for a key, and Arm's reads another time only if it has a menu.
        *("-boot", "menu=on,splash-time=0"),
        *("-m", f"{memory_mib}M", "-smp", str(cpus)),
        *firmware,
        # Writes need not outlive a crash of the host.
        *("-drive", disk + ",cache=unsafe" + (",snapshot=on" if snapshot else "")),
        *("-device", "virtio-blk-pci,drive=disk,bootindex=0"),
        *(_network(internet, ssh_port) if network else ("-nic", "none")),
        *("-device", "virtio-rng-pci"),
        # Without QEMU's graphics card and CD drive, which nobody sees, and drivers would drive.
        *("-nodefaults", *(_screen(architecture, display) if display else ("-nographic",))),
        *("-serial", "mon:stdio", "-no-reboot"),
    ]


def _machine(architecture: Architecture, kvm: bool, cpus: int) -> list[str]:
    machine, gic = MACHINES[architecture], ""
    if architecture is Architecture.aarch64:
        # KVM offers only the interrupt controller that an Arm host has.
        gic = ",gic-version=host" if kvm else ",gic-version=3" * (cpus > _GIC_V2_CPUS)
    if not kvm:
        return ["-machine", machine.name + gic, "-accel", "tcg", "-cpu", machine.cpu]
    return ["-machine", machine.name + gic, "-accel", "kvm", "-cpu", "host"]


def _network(internet: bool, ssh_port: int | None) -> tuple[str, ...]:
    # Without an option ROM, which Debian has in a package of its own: nothing boots from there.
    device = "virtio-net-pci,netdev=net,romfile="
    net = "user,id=net" if internet else "user,id=net,restrict=on"
    forwarded = "" if ssh_port is None else f",hostfwd=tcp:127.0.0.1:{ssh_port}-:22"
    return "-netdev", net + forwarded, "-device", device


def _screen(architecture: Architecture, display: str) -> tuple[str, ...]:
    # Firmware of PCs draws on a VGA; a tablet tells where the pointer is, and grabs none.
    card = "virtio-vga" if MACHINES[architecture] is _PC else "virtio-gpu-pci"
    devices = (card, "qemu-xhci", "usb-kbd", "usb-tablet")
    return ("-display", display, *(word for name in devices for word in ("-device", name)))


def find_display(program: Path) -> str:
    """The display of QEMU's that is a window.

    :raises HostError: when it has none
    """
    _, told = process.attempt([program, "-display", "help"])
    for name in _WINDOWS:
        if name in told.split():
            return name
    raise HostError(
        f"{program.name} can open no window on this machine",
        hint="install its part for that: the package qemu-system-gui, or qemu-ui-gtk",
    )


def check_guest(architecture: Architecture, guest: Guest) -> None:
    """See that a machine of ``architecture`` can be such a guest.

    :raises ConfigError: when it cannot
    :raises HostError: when QEMU is not installed, or has no windows
    """
    program = find_qemu_system(architecture)
    if guest.graphics:
        find_display(program)
    machine = MACHINES[architecture]
    if guest.cpus > machine.most_cpus:
        raise ConfigError(
            f"cpus={guest.cpus} is more than QEMU's {architecture} machine has",
            hint=f"it has at most {machine.most_cpus}",
        )
    if machine.most_memory and guest.memory > machine.most_memory:
        raise ConfigError(
            f"memory={exact_size(guest.memory)} is more than QEMU's {architecture} machine has",
            hint=f"its kernels reach at most {exact_size(machine.most_memory)}",
        )


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
    architecture: Architecture,
    disk: Disk,
    firmware: Firmware,
    boot_files: Sequence[str] = (),
    guest: Guest = Guest(),  # noqa: B008 - it is frozen
) -> int:
    """Boot ``disk`` with the user's terminal as its serial port, and return QEMU's status.

    ``boot_files`` are those of a Raspberry Pi's board. Ctrl-c goes to the guest; ctrl-a x leaves.

    :raises HostError: when QEMU, its firmware, its window or a machine like that is missing
    """
    program = find_qemu_system(architecture)
    with ExitStack() as stack:
        if firmware is Firmware.raspberry_pi:
            card = raspberry_pi_command(program, disk.path, boot_files, is_card=disk.is_own)
            command = stack.enter_context(card)
        else:
            command = boot_command(
                architecture,
                disk.path,
                program=program,
                firmware=stack.enter_context(private_firmware(architecture, firmware)),
                kvm=kvm_works(architecture),
                snapshot=not disk.is_own,
                memory_mib=guest.memory // MiB,
                cpus=guest.cpus,
                internet=guest.internet,
                ssh_port=guest.ssh_port,
                display=find_display(program) if guest.graphics else "",
            )
        stack.enter_context(_terminal_kept())
        seen = {name: os.environ[name] for name in _OF_WINDOWS if name in os.environ}
        return subprocess.call(command, env=process.ENVIRONMENT | (seen if guest.graphics else {}))


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
