"""A seccomp filter for what packages run: a program of classic BPF, which the kernel asks.

It looks at a call's number and at arguments that are numbers. Of those it looks at the lower half
only, as the kernel does with an int: a filter that compared all 64 bits would let a TIOCSTI with
some upper bit through (CVE-2019-10063).
"""

import ctypes
import errno
import socket
import struct
import termios
from collections.abc import Iterable

from aimager.model.architecture import Architecture, host_architecture
from aimager.sandbox import syscalls
from aimager.sandbox.forbidden_syscalls import ABIS, UNKNOWN, Abi, forbidden, partly_forbidden

FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
"""The kinds of sockets that are left. Others, AF_VSOCK among them, know no network namespace."""

TERMINAL_TRICKS = (termios.TIOCSTI, 0x541C)  # TIOCLINUX: console_ioctl(2const)
"""They type into the terminal that a program has."""

_X32 = 0x40000000  # __X32_SYSCALL_BIT

# linux/bpf_common.h, linux/seccomp.h
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data

_MODE_FILTER = 2

Instruction = tuple[int, int, int, int]
"""Code, how many instructions to skip if it is so and if it is not, and a number."""


def confine(machine: Architecture | None = None) -> None:
    """Have the kernel refuse this process, and all that it starts, what is forbidden.

    no_new_privs must be set. ``machine`` is the one it runs on; without, this one.

    :raises OSError: when the kernel has no seccomp filters
    """
    code = assemble(program(machine or host_architecture()))
    buffer = ctypes.create_string_buffer(code)
    header = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    fprog = ctypes.create_string_buffer(header)
    syscalls.prctl(syscalls.PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(fprog))


def program(machine: Architecture) -> list[Instruction]:
    """The filter of a machine: each kind of program that it runs has a part of its own.

    What calls the kernel in yet another way is told that there are no such calls.
    """
    instructions: list[Instruction] = [(_LOAD, 0, 0, _ARCHITECTURE)]
    for abi in ABIS[machine]:
        part = [*_part(abi), _return(_ALLOW)]
        # A jump may skip no more than 255 instructions, so the part is left by its own end.
        instructions += [(_JUMP_EQUAL, 1, 0, abi.audit), (0x05, 0, 0, len(part)), *part]
    return [*instructions, _return(_ERRNO | errno.ENOSYS)]


def assemble(instructions: Iterable[Instruction]) -> bytes:
    """An array of struct sock_filter (linux/filter.h)."""
    return b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)


def _part(abi: Abi) -> list[Instruction]:
    found: list[Instruction] = [(_LOAD, 0, 0, _NUMBER)]
    if abi.audit == ABIS[Architecture.x86_64][0].audit:
        found += [(_JUMP_AT_LEAST, 0, 1, _X32), _return(_ERRNO | errno.ENOSYS)]
    for name, number in forbidden(abi).items():
        error = errno.ENOSYS if name in UNKNOWN else errno.EPERM
        found += [(_JUMP_EQUAL, 0, 1, number), _return(_ERRNO | error)]
    refuse = _return(_ERRNO | errno.EPERM)
    clone = [_argument(0), (_JUMP_BITS, 0, 1, syscalls.CLONE_NEWUSER), refuse]
    ioctl = [_argument(1)]
    for request in TERMINAL_TRICKS:
        ioctl += [(_JUMP_EQUAL, 0, 1, request), refuse]
    families = [_argument(0)]
    for family in FAMILIES:
        families += [(_JUMP_EQUAL, 0, 1, family), _return(_ALLOW)]
    families += [_return(_ERRNO | errno.EAFNOSUPPORT)]
    for name, part in (("clone", clone), ("ioctl", ioctl), ("socket", families)):
        part = [*part, _return(_ALLOW)]
        found += [(_JUMP_EQUAL, 0, len(part), partly_forbidden(name, abi)), *part]
    return found


def _argument(index: int) -> Instruction:
    """Load the lower half of an argument; all machines here are little-endian."""
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * index)


def _return(action: int) -> Instruction:
    return (_RETURN, 0, 0, action)
