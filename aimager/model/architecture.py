"""Machine architectures, and what each foreign vocabulary calls them."""

import platform
from enum import StrEnum

from aimager.errors import HostError


class Architecture(StrEnum):
    """A machine architecture, by the name that pacman gives it."""

    x86_64 = "x86_64"
    aarch64 = "aarch64"
    i686 = "i686"
    pentium4 = "pentium4"
    i486 = "i486"
    armv7h = "armv7h"
    loong64 = "loong64"
    riscv64 = "riscv64"

    @property
    def machine(self) -> str:
        """What ``uname -m`` prints on it, and in a root of it on a host that runs it natively."""
        return {
            Architecture.pentium4: "i686",
            Architecture.i486: "i686",  # as 64-bit kernels, and QEMU, say of all of them
            Architecture.armv7h: "armv7l",
            Architecture.loong64: "loongarch64",
        }.get(self, self.value)

    @property
    def packages(self) -> tuple["Architecture", ...]:
        """The architectures whose packages pacman is to take, its own first.

        Arch Linux 32 asks for ``Architecture = pentium4 i686`` where it mixes both.
        """
        if self is Architecture.pentium4:
            return (Architecture.pentium4, Architecture.i686)
        return (self,)

    @property
    def levels(self) -> tuple[str, ...]:
        """What packages for newer machines of it say instead, each level holding those before it.

        They are those of the x86-64 psABI, by the names that repositories give them.
        """
        return ("x86_64_v2", "x86_64_v3", "x86_64_v4") if self is Architecture.x86_64 else ()

    def up_to(self, level: str) -> tuple[str, ...]:
        """Its levels up to this one; none for no level."""
        return self.levels[: self.levels.index(level) + 1] if level else ()

    def taken(self, level: str) -> tuple[str, ...]:
        """The architectures whose packages pacman is to take with this level, its own first."""
        return (*self.packages, *self.up_to(level))

    @property
    def bits(self) -> int:
        """The size of its addresses, which is the class of its ELF files: 32 or 64."""
        narrow = (Architecture.i486, Architecture.i686, Architecture.pentium4, Architecture.armv7h)
        return 32 if self in narrow else 64

    @property
    def also_runs(self) -> tuple["Architecture", ...]:
        """Those whose programs a machine of it may run by itself.

        That is up to the CPU, newer Arm ones have no 32-bit mode, and to the kernel's options
        (CONFIG_IA32_EMULATION, CONFIG_COMPAT), so it has to be tried.
        """
        intel = (Architecture.i686, Architecture.pentium4, Architecture.i486)
        return {
            Architecture.x86_64: intel,
            Architecture.i686: intel[1:],
            Architecture.aarch64: (Architecture.armv7h,),
        }.get(self, ())

    @property
    def qemu(self) -> str:
        """The suffix of QEMU's programs, ``qemu-X`` and ``qemu-system-X``."""
        return {
            Architecture.i686: "i386",
            Architecture.pentium4: "i386",
            Architecture.i486: "i386",
            Architecture.armv7h: "arm",
            Architecture.loong64: "loongarch64",
        }.get(self, self.value)

    @property
    def qemu_cpu(self) -> str:
        """The model that user-mode emulation shows to programs; empty: QEMU's default.

        It is the oldest that the port's packages run on, or one like it: what is not there is
        not emulated, and what programs find is the same with every QEMU. QEMU's default for
        aarch64, ``max``, computes pointer authentication in software, which makes a build five
        times slower; Armv8.0 has none. Its default for riscv64 has become ``max`` too, with
        vectors; ``rv64``, what RVA20 asks for, is a quarter faster. All models are there since
        QEMU 7.2, but ``la464`` has the vectors that packages for loong64 use only since 8.1.
        """
        return {
            Architecture.aarch64: "cortex-a72",
            Architecture.armv7h: "cortex-a15",
            Architecture.loong64: "la464",
            Architecture.riscv64: "rv64",
        }.get(self, "")

    @property
    def efi(self) -> str:
        """The suffix of the removable-media boot loader, as in ``BOOTX64.EFI`` (UEFI 3.5.1.1)."""
        return {
            Architecture.x86_64: "x64",
            Architecture.aarch64: "aa64",
            Architecture.armv7h: "arm",
            Architecture.loong64: "loongarch64",
            Architecture.riscv64: "riscv64",
        }.get(self, "ia32")

    @property
    def oci(self) -> tuple[str, str]:
        """Its GOARCH and variant, as the image-spec of OCI has them; most have no variant.

        All of 32-bit x86 is 386 there.
        """
        return {
            Architecture.x86_64: ("amd64", ""),
            Architecture.aarch64: ("arm64", "v8"),
            Architecture.armv7h: ("arm", "v7"),
            Architecture.loong64: ("loong64", ""),
            Architecture.riscv64: ("riscv64", ""),
        }.get(self, ("386", ""))

    @property
    def gpt_root(self) -> str:
        """The GPT type of its root partition (Discoverable Partitions Specification)."""
        return {
            Architecture.x86_64: "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
            Architecture.aarch64: "b921b045-1df0-41c3-af44-4c6f280d3fae",
            Architecture.armv7h: "69dad710-2ce4-4e3c-b16c-21a1d49abed3",
            Architecture.loong64: "77055800-792c-4f94-b39a-98c91b762bb6",
            Architecture.riscv64: "72ec70a6-cf74-40e6-bd49-4bda08e8f224",
        }.get(self, "44479540-f297-41b2-9af7-d131d5f0458a")

    @property
    def elf_machine(self) -> int:
        """``e_machine`` of its ELF files (elf.h)."""
        return {
            Architecture.x86_64: 62,
            Architecture.aarch64: 183,
            Architecture.armv7h: 40,
            Architecture.loong64: 258,
            Architecture.riscv64: 243,
        }.get(self, 3)


def host_architecture() -> Architecture:
    """The architecture of the building machine.

    :raises HostError: when no port of Arch Linux that is known here runs on it
    """
    machine = platform.machine()
    for architecture in Architecture:
        if architecture.machine == machine:
            return architecture
    machines = dict.fromkeys(architecture.machine for architecture in Architecture)
    raise HostError(
        f"this machine's architecture, {machine}, is not one that can build",
        hint=f"build on one of {', '.join(machines)}",
    )
