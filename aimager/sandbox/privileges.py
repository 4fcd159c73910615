"""What a process may do: capabilities, limits and system calls, given up for good."""

import ctypes
import os
import re
import resource
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aimager.sandbox import seccomp, syscalls

# linux/capability.h
CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP = 0, 1, 3, 4, 5, 6, 7, 8
SYS_CHROOT, SETFCAP = 18, 31

INSTALLING = (
    *(CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETFCAP),  # files of any owner, with capabilities
    *(SETUID, SETGID, KILL),  # daemons' users, in whose name scriptlets run programs
    SYS_CHROOT,  # pacman runs hooks and scriptlets after chroot(2)
)
"""The capabilities that installing packages needs, all of them in its own user namespace."""

_MOST_CAPABILITIES = 64
_RESERVED = 300
_VERSION_3 = 0x20080522  # _LINUX_CAPABILITY_VERSION_3


@dataclass(frozen=True)
class Limits:
    """How much all that runs in a jail may take: so many processes, and bytes ``written``.

    They are looked for in ``folder``, which must not get full either, and the file systems that
    are ``mounted`` below it no more than that.
    """

    processes: int = 1024
    folder: Path | None = None
    mounted: tuple[Path, ...] = ()
    written: int | None = None


def give_up_privileges(limits: Limits, *, keep: tuple[int, ...] = INSTALLING) -> None:
    """Leave this process, and all that it starts, ``keep`` alone, and the limits.

    :raises OSError: when the kernel refuses one of the steps
    """
    _set_limits(limits)
    for capability in range(_MOST_CAPABILITIES):
        if capability not in keep:
            with suppress(OSError):  # EINVAL: the kernel does not have so many
                syscalls.prctl(syscalls.PR_CAPBSET_DROP, capability)
    syscalls.prctl(syscalls.PR_CAP_AMBIENT, syscalls.PR_CAP_AMBIENT_CLEAR_ALL)
    syscalls.capset(_header(), _sets(keep))
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    seccomp.confine()


def go_first() -> None:
    """Where memory runs out, let this process be ended before others (proc_pid_oom_score_adj)."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def limit_processes(limits: Limits) -> None:
    """Let no more processes and threads be started in this PID namespace than twice the limit.

    That holds for the machine's own root, too. Before Linux 6.14 the number is the whole machine's.
    """
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if release and (int(release[1]), int(release[2])) >= (6, 14):
        with suppress(OSError):
            # After the last number come those from RESERVED_PIDS on again (kernel/pid.c).
            Path("/proc/sys/kernel/pid_max").write_text(str(_RESERVED + 2 * limits.processes))


def _set_limits(limits: Limits) -> None:
    # The kernel counts in the new user namespace, but not for the machine's own root. Threads count
    # here, too.
    most = limits.processes * 2
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if limits.written is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limits.written, limits.written))


def _header() -> "ctypes.Array[ctypes.c_char]":
    return ctypes.create_string_buffer(struct.pack("Ii", _VERSION_3, 0))


def _sets(keep: tuple[int, ...]) -> "ctypes.Array[ctypes.c_char]":
    """Effective, permitted and inheritable capabilities, the lower 32 of each and then the others.

    None is inheritable: a program of root's gets what is permitted and bounded (capabilities(7)).
    """
    mask = sum(1 << capability for capability in keep)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    return ctypes.create_string_buffer(struct.pack("6I", low, low, 0, high, high, 0))
