"""The child side of `aimager.sandbox.namespace`: the supervisor, and its worker.

The process tree, and the namespaces, are drawn there. The supervisor has a control socket, whose
other end is the builder's: it brings one line of JSON, an :class:`Order`, with descriptors, then a
byte once the ids are mapped, and its end is the order to stop. Of the descriptors, the first takes
one JSON object as the answer. The second is only held: as long as it is open, the work directory is
in use. On the third sums are asked for (`aimager.sandbox.sums`). Then come pipes for standard
output and standard error, and the trees that are lent (`aimager.sandbox.kept_tmpfs`).
"""

import fcntl
import importlib
import json
import operator
import os
import select
import signal
import socket
import struct
import sys
import time
import traceback
import typing
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from aimager import codec
from aimager.errors import (
    AimagerError,
    CommandError,
    HostError,
    SuppliedError,
    TrustError,
    explain_system_error,
)
from aimager.files import temporaries
from aimager.sandbox import kept_tmpfs as memory_trees
from aimager.sandbox import mounts, sums, syscalls
from aimager.sandbox.binfmt import Emulation
from aimager.sandbox.binfmt_mount import start_emulation
from aimager.sandbox.restrictions import explain
from aimager.sandbox.worker_root import Seen, worker_mounts
from aimager.trees import remove_below, remove_folder

HOST_NAME = "aimager"
"""What a worker's machine is called."""

_MOST_DESCRIPTORS = 64

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1  # netdevice(7)


@dataclass(frozen=True)
class NamespaceSetup:
    """What a namespace has to look like."""

    builder: int
    """Process id of the process that wants the answer."""
    function: str
    """``module:qualname`` of the function to run; empty: only remove the work directory."""
    work: Path
    work_at: Path
    """Where the function has the work directory, which the builder may know by another path."""
    seen: tuple[Seen, ...] = ()
    products: tuple[Path, ...] = ()
    network: bool = False
    tmpfs: int | None = None
    emulation: Emulation | None = None
    linux32: bool = False
    """Whether uname(2) answers as a 32-bit kernel does, by which programs choose their packages."""


def resolve(name: str) -> Callable[[Any], Any]:
    """The module-level function that ``module:qualname`` names."""
    module, _, qualname = name.partition(":")
    function: Callable[[Any], Any] = operator.attrgetter(qualname)(importlib.import_module(module))
    return function


def signature(function: Callable[[Any], Any]) -> tuple[Any, Any]:
    """The annotations of a function's one parameter and of its answer.

    :raises TypeError: when it has not exactly these
    """
    hints = typing.get_type_hints(function)
    parameters = [name for name in hints if name != "return"]
    if "return" not in hints or len(parameters) != 1:
        raise TypeError(f"{function!r} must annotate one parameter and its answer")
    return hints[parameters[0]], hints["return"]


def error_as_json(error: BaseException) -> dict[str, Any]:
    """An exception as JSON data: ours by its parts, a bug by its traceback."""
    if isinstance(error, CommandError):
        parts = [list(error.argv), error.status, error.tail]
        return {"error": "CommandError", "arguments": parts, "hint": error.hint}
    if isinstance(error, AimagerError):
        more: dict[str, Any] = {"refused": error.refused} if isinstance(error, TrustError) else {}
        if isinstance(error, SuppliedError):
            more["repository"] = error.repository
        kind, arguments = type(error).__name__, [error.message]
        return {"error": kind, "arguments": arguments, "hint": error.hint, **more}
    mendable = explain_system_error(error) if isinstance(error, OSError) else None
    if mendable:
        return {"error": "HostError", "arguments": [mendable.message], "hint": mendable.hint}
    return {"traceback": "".join(traceback.format_exception(error))}


@dataclass(frozen=True)
class Order:
    """What a supervisor is told: ``request`` is JSON, ``trees`` names those that are lent."""

    setup: NamespaceSetup
    request: str
    environment: dict[str, str]
    directory: Path
    trees: tuple[str, ...]


def supervise(control: socket.socket) -> int:
    """Be the supervisor: 0, the worker's exit status, or 128 and the signal that ended it."""
    received = _receive(control)
    if received is None:  # none came
        return 0
    order, (answer, _, channel, *trees) = received
    sums.connect(channel)
    memory_trees.accept(memory_trees.Loan(dict(zip(order.trees, trees, strict=True)), control))
    try:
        return _supervise(order, control, answer)
    except BaseException as error:
        _write(answer, error_as_json(error))
        return 1
    finally:
        with suppress(OSError):  # the builder removes it, too, unless it was killed by now
            order.setup.work.rmdir()


def _receive(control: socket.socket) -> tuple[Order, list[int]] | None:
    """The order and its descriptors, without the standard ones, which are this process's then."""
    start, descriptors, _, _ = socket.recv_fds(control, 1, _MOST_DESCRIPTORS)
    if not start:
        return None
    data = bytearray(start)
    while not data.endswith(b"\n"):
        chunk = control.recv(1 << 16)
        if not chunk:
            return None
        data += chunk
    order: Order = codec.decode(Order, json.loads(data))
    for number in descriptors:
        os.set_inheritable(number, False)
    for number, ours in zip(descriptors[3:5], (1, 2), strict=True):
        os.dup2(number, ours)
        os.close(number)
    os.environ.clear()
    os.environ.update(order.environment)
    time.tzset()
    os.chdir(order.directory)
    with suppress(OSError):
        syscalls.show_arguments((*sys.argv[:1], order.setup.function, str(order.setup.work)))
    return order, [*descriptors[:3], *descriptors[5:]]


def _supervise(order: Order, control: socket.socket, answer: int) -> int:
    setup = order.setup
    try:
        syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWPID)
    except OSError as error:
        raise explain("a user namespace", error) from error
    control.sendall(b"u")
    if not control.recv(1):
        return 1
    os.setgroups([])
    try:
        remove_below(setup.work)  # what a killed build left
        return _run_worker(setup, order.request, control, answer) if setup.function else 0
    finally:
        remove_folder(setup.work)


def _run_worker(setup: NamespaceSetup, request: str, control: socket.socket, answer: int) -> int:
    """Run the worker to its end, or to the builder's, and return its exit status.

    waitpid(2) on the first process of a PID namespace returns when all others there are gone
    too (pid_namespaces(7)), so the work directory is then nobody's.
    """
    above, alive = os.pipe(), os.pipe()
    worker = os.fork()
    if not worker:
        os.close(above[1])
        os.close(alive[0])
        _work(setup, request, answer, supervisor=above[0])
    os.close(above[0])
    os.close(alive[1])
    watched = [control.fileno(), alive[0], *_life_of(setup.builder)]
    ready, _, _ = select.select(watched, [], [])
    is_builder_gone = alive[0] not in ready
    if is_builder_gone:
        os.kill(worker, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    if is_builder_gone:  # it cannot do that any more
        for product in setup.products:
            for unfinished in temporaries(product):
                unfinished.unlink(missing_ok=True)
    return status if status >= 0 else 128 - status


def _life_of(builder: int) -> list[int]:
    """What can be read once the builder is gone, whose socket's end may live on elsewhere."""
    try:
        return [os.pidfd_open(builder)]
    except ProcessLookupError:
        ended, other = os.pipe()
        os.close(other)
        return [ended]
    except OSError:  # before Linux 5.3
        return []


def _work(setup: NamespaceSetup, request: str, answer: int, *, supervisor: int) -> NoReturn:
    """Be the worker: process 1 of its namespace, with which all others in it end."""
    status = 1
    try:
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
        if select.select([supervisor], [], [], 0)[0]:  # it was gone before that
            os._exit(1)
        # Process 1 is safe from both, and programs must not inherit that they are ignored.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        try:
            _enter(setup)
            function = resolve(setup.function)
            request_type, _ = signature(function)
            result = codec.encode(function(codec.decode(request_type, json.loads(request))))
            _write(answer, {"answer": result})
        except BaseException as error:
            _write(answer, error_as_json(error))
        sys.stdout.flush()
        sys.stderr.flush()
        status = 0
    finally:
        os._exit(status)


def _write(descriptor: int, message: dict[str, Any]) -> None:
    with suppress(BrokenPipeError), os.fdopen(descriptor, "w", closefd=False) as stream:
        stream.write(json.dumps(message) + "\n")


def _enter(setup: NamespaceSetup) -> None:
    """Make the other namespaces, and a root in which is what the call needs."""
    here = Path.cwd()
    flags = syscalls.CLONE_NEWNS | syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWIPC
    try:
        syscalls.unshare(flags if setup.network else flags | syscalls.CLONE_NEWNET)
    except OSError as error:
        raise explain("mount, UTS, IPC and network namespaces", error) from error
    with suppress(OSError):  # where there are no keys, there is nothing to leave
        syscalls.join_new_session_keyring()
    root = worker_mounts(
        setup.seen,
        work=setup.work,
        work_at=setup.work_at,
        tmpfs=setup.tmpfs,
        network=setup.network,
    )
    mounts.enter_root(root)
    _name_host()
    if not setup.network:
        _raise_loopback()
    if setup.emulation:
        start_emulation(setup.emulation)
    if setup.linux32:
        syscalls.personality(syscalls.PER_LINUX32)
    here.mkdir(parents=True, exist_ok=True)  # for paths that are relative to it
    os.chdir(here)


def _name_host() -> None:
    """Have the same name on all machines, for programs may write it down."""
    if socket.gethostname() != HOST_NAME:  # a container that has it need not allow the call
        try:
            socket.sethostname(HOST_NAME)
        except OSError as error:
            raise HostError(
                f"the kernel refused a host name of its own: {error.strerror}",
                hint=f"if this is a container, start it with --hostname {HOST_NAME}",
            ) from error


def _raise_loopback() -> None:
    with socket.socket() as control:
        request = struct.pack("16sh22x", b"lo", 0)
        flags = struct.unpack("16sh22x", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | _IFF_UP))
