"""What the filter answers for every machine's calls, worked out as the kernel does.

That it holds on this machine is in test_jail.py.
"""

import errno
import functools
import re
import socket
import struct
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.model.architecture import Architecture
from aimager.sandbox import seccomp, syscalls
from aimager.sandbox.forbidden_syscalls import (
    ABIS,
    UNKNOWN,
    Abi,
    forbidden,
    partly_forbidden,
)

ALLOWED, REFUSED, NO_CALL = 0, errno.EPERM, errno.ENOSYS
MACHINES = [(machine, abi) for machine, abis in ABIS.items() for abi in abis]
NATIVE_X86 = ABIS[Architecture.x86_64][0]
X32 = 0x40000000

LIMIT = 4096
"""BPF_MAXINSNS (linux/bpf_common.h)."""


program = functools.cache(seccomp.program)


def answer(machine: Architecture, audit: int, number: int, *arguments: int) -> int:
    """The errno with which the filter refuses a call, 0 if it does not."""
    words = [word & (1 << 64) - 1 for word in (*arguments, *[0] * (6 - len(arguments)))]
    data = struct.pack("<IIQ6Q", number, audit, 0, *words)
    instructions = program(machine)
    accumulator, place = 0, 0
    while True:
        code, if_so, if_not, value = instructions[place]
        place += 1
        match code:
            case 0x20:  # BPF_LD | BPF_W | BPF_ABS
                (accumulator,) = struct.unpack_from("<I", data, value)
            case 0x05:  # BPF_JMP | BPF_JA
                place += value
            case 0x15:  # BPF_JMP | BPF_JEQ
                place += if_so if accumulator == value else if_not
            case 0x35:  # BPF_JMP | BPF_JGE
                place += if_so if accumulator >= value else if_not
            case 0x45:  # BPF_JMP | BPF_JSET
                place += if_so if accumulator & value else if_not
            case 0x06:  # BPF_RET
                return 0 if value == 0x7FFF0000 else value & 0xFFFF
            case _:
                raise AssertionError(hex(code))


@pytest.mark.parametrize(("machine", "abi"), MACHINES)
def test_what_is_forbidden_is_refused(machine: Architecture, abi: Abi) -> None:
    for name, number in forbidden(abi).items():
        wanted = NO_CALL if name in UNKNOWN else REFUSED
        assert answer(machine, abi.audit, number) == wanted, name


@pytest.mark.parametrize(("machine", "abi"), MACHINES)
def test_nothing_else_is_refused(machine: Architecture, abi: Abi) -> None:
    partly = {partly_forbidden(name, abi) for name in ("clone", "ioctl", "socket")}
    others = set(range(500)) - set(forbidden(abi).values()) - partly
    assert {number for number in others if answer(machine, abi.audit, number)} == set()


@pytest.mark.parametrize(("machine", "abi"), MACHINES)
@pytest.mark.parametrize("upper", [0, 1 << 32, 1 << 63, 0xFFFFFFFF << 32])
def test_arguments_are_read_as_the_kernel_does(machine: Architecture, abi: Abi, upper: int) -> None:
    def ask(name: str, *arguments: int) -> int:
        return answer(machine, abi.audit, partly_forbidden(name, abi), *arguments)

    for request in (termios.TIOCSTI, 0x541C):
        assert ask("ioctl", 0, request | upper) == REFUSED
    assert ask("ioctl", termios.TIOCSTI, termios.TCGETS | upper) == ALLOWED
    assert ask("clone", syscalls.CLONE_NEWUSER | 17 | upper) == REFUSED
    assert ask("clone", 0x3D0F00 | upper) == ALLOWED  # pthread_create's
    assert ask("socket", socket.AF_VSOCK | upper) == errno.EAFNOSUPPORT
    assert ask("socket", 38 | upper) == errno.EAFNOSUPPORT  # AF_ALG
    for family in seccomp.FAMILIES:
        assert ask("socket", family | upper) == ALLOWED


def test_numbers_of_x32_do_not_exist() -> None:
    for number in (*forbidden(NATIVE_X86).values(), 0, 1, 16, 56, 512, 547):
        assert answer(Architecture.x86_64, NATIVE_X86.audit, X32 | number) == NO_CALL


def test_a_number_may_be_negative() -> None:
    """-1 is what a tracer's skipped call looks like; it is no call of x32 either."""
    assert answer(Architecture.x86_64, NATIVE_X86.audit, 0xFFFFFFFF) == NO_CALL


@pytest.mark.parametrize("machine", ABIS)
def test_another_machines_calls_do_not_exist(machine: Architecture) -> None:
    own = {abi.audit for abi in ABIS[machine]}
    others = {abi.audit for _, abi in MACHINES} - own | {0, 0xC0000008, 0xFFFFFFFF}
    assert {answer(machine, audit, 0) for audit in others} == {NO_CALL}


def test_every_machine_has_a_filter() -> None:
    assert set(ABIS) == set(Architecture)
    for machine in ABIS:
        instructions = program(machine)
        assert len(instructions) <= LIMIT
        assert len(seccomp.assemble(instructions)) == 8 * len(instructions)
        for place, (code, if_so, if_not, value) in enumerate(instructions):
            assert max(if_so, if_not) < 256
            if code & 7 == 5:
                furthest = value if code == 0x05 else max(if_so, if_not)
                assert place + 1 + furthest < len(instructions)


HEADERS = {
    0: ("/usr/include/*/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"),
    1: ("/usr/include/*/asm/unistd_32.h", "/usr/include/asm/unistd_32.h"),
    2: ("/usr/include/asm-generic/unistd.h",),
    3: ("/usr/arm-linux-gnueabihf/include/asm/unistd-common.h",),
}


def defined(patterns: tuple[str, ...]) -> dict[str, int]:
    """The numbers that a kernel's header defines."""
    found: dict[str, int] = {}
    for header in (path for pattern in patterns for path in Path("/").glob(pattern[1:])):
        text = header.read_text()
        lines = re.findall(r"^#define (?:__NR|__NR3264)_(\w+)\s+(\d+)$", text, re.M)
        lines += re.findall(r"^#define __NR_(\w+)\s+\(__NR_SYSCALL_BASE\s*\+\s*(\d+)\)", text, re.M)
        found |= {name: int(number) for name, number in lines}
    return found


def columns() -> Iterator[tuple[Abi, tuple[str, ...]]]:
    for column, patterns in HEADERS.items():
        yield next(abi for _, abi in MACHINES if abi.column == column), patterns


@pytest.mark.parametrize(("abi", "patterns"), list(columns()))
def test_the_table_is_the_kernels(abi: Abi, patterns: tuple[str, ...]) -> None:
    kernels = defined(patterns)
    if not kernels:
        pytest.skip(f"this machine has no {patterns[0]}")
    ours = forbidden(abi) | {n: partly_forbidden(n, abi) for n in ("clone", "ioctl", "socket")}
    wrong = {n: (k, kernels[n]) for n, k in ours.items() if kernels.get(n, k) != k}
    assert wrong == {}
    assert len(ours.keys() & kernels.keys()) > 50
    names = {n for _, other in MACHINES for n in forbidden(other)}
    if abi.column == 2:
        names -= {"clock_settime64", "clock_adjtime64"}  # this header has them for 32 bits alone
    assert names & kernels.keys() <= ours.keys(), "it is in the table for others, but not for it"
