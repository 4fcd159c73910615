"""With which codes the programs end that another one starts, and which it does not tell.

That one, and all that comes of it, runs under a filter (seccomp(2), "SECCOMP_RET_USER_NOTIF") which
holds every process that is about to exit with another code than 0 until we have looked whose
child it is. Nothing of that is seen in files or in the environment, and the program may be static,
or in a root of its own; of a program that QEMU emulates it is QEMU that exits.
"""

import fcntl
import os
import select
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from aimager.process import Started
from aimager.sandbox import syscalls

T = TypeVar("T")

_EXIT_GROUP = {
    0xC000003E: 231,  # AUDIT_ARCH_X86_64 (linux/audit.h)
    0x40000003: 252,  # I386
    0xC00000B7: 94,  # AARCH64
    0x40000028: 248,  # ARM
    0xC00000F3: 94,  # RISCV64
    0xC0000102: 94,  # LOONGARCH64
}
"""The number of exit_group(2) by the architecture that the kernel sees a system call of."""

_LOAD, _AND, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06  # linux/bpf_common.h
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # struct seccomp_data, on little-endian machines
_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000
_CODE = 0xFF

_RECEIVE, _SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV and _SEND
_NOTIFICATION = struct.Struct("=QII iIQ 6Q")
_ANSWER = struct.Struct("=QqiI")
_CONTINUE = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE
_OLDEST = (5, 5)
"""The first Linux that lets go on what it has told of."""


def with_exit_codes(action: Callable[[Started], T]) -> tuple[T, tuple[int, ...]]:
    """Do ``action``, and return the codes other than 0 with which children of a program ended.

    ``action`` tells what it is given the id of the program's process. The codes come in the order
    in which they were; there are none where the kernel does not let us know.

    :raises Exception: whatever ``action`` raises
    """
    listening = SimpleQueue[int | None]()
    parents: list[int] = []
    ended: list[tuple[int, int]] = []

    def act() -> T:
        # The filter is this thread's own and its children's, so that nobody hears himself.
        listening.put(_listen())
        return action(parents.append)

    with ThreadPoolExecutor(1) as pool:
        acting = pool.submit(act)
        listener = listening.get()
        if listener is not None:
            try:
                ended.extend(_answer(listener, acting))
            finally:
                os.close(listener)
        result = acting.result()
    return result, tuple(code for parent, code in ended if parent in parents)


def _listen() -> int | None:
    """A descriptor that tells of exits from now on; None: the kernel has no such thing for us."""
    release = os.uname().release.split("-")[0].split(".")
    if tuple(int(number) for number in release[:2] if number.isdigit()) < _OLDEST:
        return None
    flags = syscalls.SECCOMP_FILTER_FLAG_NEW_LISTENER | syscalls.SECCOMP_FILTER_FLAG_SPEC_ALLOW
    with suppress(OSError):  # a container's filter, or another listener: the build needs it not
        return syscalls.seccomp(flags, _program())
    return None


def _program() -> bytes:
    """Tell of exit_group(2) with another code than 0, and allow all else."""
    pairs = len(_EXIT_GROUP)
    lines = []
    for index, (architecture, number) in enumerate(_EXIT_GROUP.items()):
        lines += [
            (_LOAD, 0, 0, _ARCHITECTURE),
            (_JUMP_IF_EQUAL, 0, 2, architecture),
            (_LOAD, 0, 0, _NUMBER),
            (_JUMP_IF_EQUAL, 4 * (pairs - index - 1) + 1, 0, number),
        ]
    lines += [
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_AND, 0, 0, _CODE),
        (_JUMP_IF_EQUAL, 0, 1, 0),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _NOTIFY),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _answer(listener: int, acting: Future[T]) -> Iterator[tuple[int, int]]:
    """Let all exits go on until ``acting`` is done; yields the parent and the code of each."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb"), os.fdopen(writer, "wb", buffering=0) as done:
        acting.add_done_callback(lambda _: done.write(b"."))
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        poll.register(reader, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if ready.get(listener, 0) & select.POLLIN:
                with suppress(FileNotFoundError):  # it was killed meanwhile
                    yield _answer_one(listener)
            elif reader in ready:
                return
            else:  # all that were filtered are gone
                poll.unregister(listener)


def _answer_one(listener: int) -> tuple[int, int]:
    told = bytearray(_NOTIFICATION.size)
    fcntl.ioctl(listener, _RECEIVE, told)
    question, process, _, _, _, _, code, *_ = _NOTIFICATION.unpack(told)
    parent = _parent(process)
    fcntl.ioctl(listener, _SEND, _ANSWER.pack(question, 0, 0, _CONTINUE))
    return parent, code & _CODE


def _parent(process: int) -> int:
    """The parent of a process, which may be told of by one of its threads; 0: it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("PPid:"):
                return int(line.split()[1])
    return 0
