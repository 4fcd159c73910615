"""Where packages' code runs: pacman with its hooks and scriptlets, and the image's own programs.

::

    worker      process 1 of the call's PID namespace (`aimager.sandbox.namespace`)
      |
      v
    jailer      stays in the worker's namespaces: maps ids, watches, and tells how it ended
      |
      v
    entrance    a new user namespace with the same ids, and PID, mount and IPC namespaces in it
      |
      v
    init        process 1 there: has a session and a root of the jail's own, reaps, and ends with
      |         the program
      v
    program     without all but a few capabilities, with no_new_privs and a seccomp filter

What it starts cannot outlive init, and sees neither the worker's processes nor anything that is not
mounted for it. Mounts that the jail got from the worker are locked in its namespace: even root of
it cannot make what is read-only writable (mount_namespaces(7)).
"""

import json
import os
import resource
import select
import signal
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import aimager.errors
from aimager.errors import OUT_OF_MEMORY, AimagerError, HostError
from aimager.sandbox import syscalls
from aimager.sandbox.id_map import identity_map
from aimager.sandbox.jail_watch import Watch
from aimager.sandbox.mounts import Operation, enter_root
from aimager.sandbox.privileges import Limits, give_up_privileges, go_first, limit_processes
from aimager.sandbox.restrictions import explain

_LOOK = 0.25  # seconds between two looks at what a jail takes

_STATUS = struct.Struct("i")

_FLAGS = (
    syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWPID | syscalls.CLONE_NEWNS | syscalls.CLONE_NEWIPC
)


@dataclass(frozen=True)
class Jail:
    """A root made by ``mounts``, and how much all that runs in it may take."""

    mounts: tuple[Operation, ...]
    limits: Limits

    @contextmanager
    def entering(self) -> Iterator[Callable[[], None]]:
        """Yield what a program's new process is to do before it becomes the program.

        The process that `subprocess` knows is then the jailer, which ends as the program does.

        :raises ImageError: after the block, when the program was ended for what it took
        :raises HostError: when the jail could not be made
        """
        reader, writer = os.pipe()
        try:
            yield lambda: _enter(self, writer)
        finally:
            os.close(writer)
            with os.fdopen(reader, "rb") as stream:
                said = stream.read()
            if said:
                raise _error(said)


def _tell(verdict: int, error: BaseException) -> None:
    """Have the worker raise the first error that is told, whatever the program's status is."""
    kind, message, hint = "HostError", repr(error), ""
    if isinstance(error, AimagerError):
        kind, message, hint = type(error).__name__, error.message, error.hint
    os.write(verdict, json.dumps([kind, message, hint]).encode() + b"\n")


def _error(said: bytes) -> AimagerError:
    kind, message, hint = json.loads(said.splitlines()[0])
    error: AimagerError = getattr(aimager.errors, kind)(message, hint=hint)
    return error


def _enter(jail: Jail, verdict: int) -> None:
    """Become the jailer; only in the program's process does this return."""
    asked, answered, ended = os.pipe(), os.pipe(), os.pipe()
    entrance = os.fork()
    if not entrance:
        _be_entrance(jail, asked[1], answered[0], ended[1], verdict)
        return
    status = 1
    try:
        _keep_only(asked[0], answered[1], ended[0], verdict)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
        _map_ids(asked[0], answered[1])
        status = _watch(jail.limits, entrance, ended[0])
    except BaseException as error:
        _tell(verdict, error)
        os.kill(entrance, signal.SIGKILL)
    finally:
        _reap_all()  # init and, with it, all that is in its namespace
        _end_as(status)


def _end_as(status: int) -> NoReturn:
    """End with an exit status, or by the signal of which it is the negative number."""
    if status < 0:
        with suppress(OSError):  # SIGKILL and SIGSTOP are never handled
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def _map_ids(asked: int, answered: int) -> None:
    """Give the entrance's user namespace the ids of ours, each as itself."""
    process = os.read(asked, 32).decode()  # by its number in /proc, which may be the host's
    if not process:
        return  # it has told why
    for kind in ("uid_map", "gid_map"):
        extents = identity_map(Path("/proc/self", kind).read_text())
        Path("/proc", process, kind).write_text("".join(f"{e}\n" for e in extents))
    os.write(answered, b"m")


def _watch(limits: Limits, entrance: int, ended: int) -> int:
    """The exit status of the program, or minus the signal that ended it.

    :raises ImageError: when it takes more than it may
    :raises HostError: when init ended before the program did
    """
    watch = Watch(limits)
    while not select.select([ended], [], [], _LOOK)[0]:
        watch.look()
    told = os.read(ended, _STATUS.size)
    if not told:
        raise HostError(
            "the namespace in which packages' programs run was ended from outside it",
            hint=f"{OUT_OF_MEMORY}: close other programs",
        )
    return os.waitstatus_to_exitcode(_STATUS.unpack(told)[0])


def _reap_all() -> None:
    with suppress(ChildProcessError):
        while True:
            os.wait()


def _be_entrance(jail: Jail, ask: int, answer: int, ended: int, verdict: int) -> None:
    """Make the namespaces; only in the program's process does this return."""
    try:
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
        try:
            syscalls.unshare(_FLAGS)
        except OSError as error:
            raise explain("a user namespace in another", error) from error
        os.write(ask, bytes(Path("/proc/self").readlink()))
        if not os.read(answer, 1):
            os._exit(1)
        init = os.fork()
        if not init:
            _be_init(jail, ended, verdict)
            return
    except BaseException as error:
        _tell(verdict, error)
        os._exit(1)
    _keep_only()
    _reap_all()
    os._exit(0)


def _be_init(jail: Jail, ended: int, verdict: int) -> None:
    """Make the jail's root and start the program; only in its process does this return."""
    try:
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
        # kill(2) and setpriority(2) reach all of a process group, also those in no namespace of
        # the sender's: the jailer, the worker and the supervisor would be stopped or killed.
        os.setsid()
        os.umask(0o022)
        with suppress(OSError):  # which are the worker's, and name its folders
            syscalls.show_arguments(("init",))
        go_first()
        limit_processes(jail.limits)
        enter_root(jail.mounts)
        give_up_privileges(jail.limits)
        # Nobody may look into this process, which has the same rights: its program's file is one of
        # the host's, and, until they are closed, its descriptors are the worker's. The program is
        # as others are again from execve(2) on.
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
        program = os.fork()
        if not program:
            return
    except BaseException as error:
        _tell(verdict, error)
        os._exit(1)
    _keep_only(ended)
    reaped, status = os.wait()
    while reaped != program:
        reaped, status = os.wait()
    os.write(ended, _STATUS.pack(status))
    os._exit(0)


def _keep_only(*descriptors: int) -> None:
    """Close all others: that the program closes one, or ends, must be seen on its pipes."""
    start = 0
    for number in sorted(descriptors):
        os.closerange(start, number)
        start = number + 1
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))
