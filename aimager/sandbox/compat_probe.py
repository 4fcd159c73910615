"""Which programs of another architecture this machine runs by itself, found by running one."""

import os
import struct
import subprocess
from functools import cache

from aimager.model.architecture import Architecture
from aimager.sandbox import syscalls

_ADDRESS = 0x10000  # above mmap_min_addr, for ordinary users, on every architecture
_HEADER, _SEGMENT = 52, 32  # sizes of Elf32_Ehdr and Elf32_Phdr
_INTEL = bytes.fromhex("31db 31c0 40 cd80")  # xor ebx, ebx; xor eax, eax; inc eax; int 0x80
_ARM = bytes.fromhex("0000a0e3 0170a0e3 000000ef")  # mov r0, #0; mov r7, #1; svc #0
_CODE = {
    Architecture.i486: _INTEL,
    Architecture.i686: _INTEL,
    Architecture.pentium4: _INTEL,
    Architecture.armv7h: _ARM,
}
"""exit(0), of architectures that others run."""


@cache
def runs(architecture: Architecture) -> bool:
    """Whether the kernel starts a program of ``architecture``, one that another also runs.

    Where a 32-bit mode is missing, arm64 refuses the personality too, before the host's
    binfmt_misc, if that has a handler, could run the program after all.
    """
    descriptor = os.memfd_create("probe", 0)
    try:
        os.write(descriptor, program(_CODE[architecture], architecture.elf_machine))
        done = subprocess.run(
            ["probe"],
            executable=f"/proc/self/fd/{descriptor}",
            pass_fds=[descriptor],
            preexec_fn=_seem_narrow,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    finally:
        os.close(descriptor)
    return done.returncode == 0


def program(code: bytes, machine: int) -> bytes:
    """A 32-bit little-endian executable that consists of ``code`` (elf(5))."""
    start = _HEADER + _SEGMENT
    size = start + len(code)
    ident = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    # EF_ARM_EABI_VER5, without which arm64 takes no program; i386 knows no flags.
    flags = 0x05000000 if machine == Architecture.armv7h.elf_machine else 0
    numbers = (2, machine, 1, _ADDRESS + start, _HEADER, 0, flags, _HEADER, _SEGMENT, 1, 0, 0, 0)
    segment = struct.pack("<IIIIIIII", 1, 0, _ADDRESS, _ADDRESS, size, size, 5, 0x10000)
    return ident + struct.pack("<HHIIIIIHHHHHH", *numbers) + segment + code


def _seem_narrow() -> None:
    syscalls.personality(syscalls.PER_LINUX32)
