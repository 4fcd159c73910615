"""Machine architectures, and what each foreign vocabulary calls them."""

import platform
from enum import StrEnum

from aimager.errors import HostError


class Architecture(StrEnum):
    """A machine architecture, by the name that pacman gives it."""

    x86_64 = "x86_64"
    aarch64 = "aarch64"

    @property
    def machine(self) -> str:
        """What ``uname -m`` prints on it."""
        return self.value

    @property
    def qemu(self) -> str:
        """The suffix of QEMU's programs, ``qemu-X`` and ``qemu-system-X``."""
        return self.value

    @property
    def qemu_cpu(self) -> str:
        """The model that user-mode emulation shows to programs; empty: QEMU's default.

        QEMU's default for aarch64, ``max``, computes pointer authentication in software, which
        makes a build five times slower; Armv8.0, which the port is built for, has none.
        """
        return {Architecture.aarch64: "cortex-a72"}.get(self, "")

    @property
    def efi(self) -> str:
        """The suffix of the removable-media boot loader, as in ``BOOTX64.EFI`` (UEFI 3.5.1.1)."""
        return {Architecture.x86_64: "x64", Architecture.aarch64: "aa64"}[self]

    @property
    def gpt_root(self) -> str:
        """The GPT type of its root partition (Discoverable Partitions Specification)."""
        return {
            Architecture.x86_64: "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
            Architecture.aarch64: "b921b045-1df0-41c3-af44-4c6f280d3fae",
        }[self]

    @property
    def elf_machine(self) -> int:
        """``e_machine`` of its ELF files (elf.h)."""
        return {Architecture.x86_64: 62, Architecture.aarch64: 183}[self]


def host_architecture() -> Architecture:
    """The architecture of the building machine.

    :raises HostError: when no port of Arch Linux that is known here runs on it
    """
    machine = platform.machine()
    for architecture in Architecture:
        if architecture.machine == machine:
            return architecture
    raise HostError(
        f"this machine's architecture, {machine}, is not one that can build",
        hint="build on one of " + ", ".join(a.machine for a in Architecture),
    )
