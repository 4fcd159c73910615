"""The child side of :mod:`aimager.namespace`: ``python -m aimager.inside``, and help for what runs.

The process tree, and the namespaces, are drawn there. Started is the supervisor, whose words are::

    CONTROL ANSWER LOCK    numbers of inherited file descriptors
    FUNCTION WORK          only for people who read ps(1)

CONTROL is a socket whose other end is the builder's: it brings one line of JSON with the
:class:`Setup` and the request, then a byte once the ids are mapped, and its end is the order to
stop. ANSWER takes one JSON object. LOCK is only held: as long as it is open, the work directory is
in use.
"""

import fcntl
import importlib
import json
import operator
import os
import select
import shutil
import signal
import socket
import struct
import sys
import traceback
import typing
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from aimager import codec, mounts, syscalls
from aimager.architecture import Architecture
from aimager.binfmt import Emulation, handler_name, no_emulation, registration
from aimager.errors import AimagerError, CommandError, explain_system_error
from aimager.files import temporaries
from aimager.refusal import explain

BINFMT = mounts.RUN / "binfmt_misc"

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1  # netdevice(7)


@dataclass(frozen=True)
class Setup:
    """What a namespace is to be like."""

    builder: int
    """Process id of the process that wants the answer."""
    function: str
    """``module:qualname`` of what is to be run; empty: only remove the work directory."""
    work: Path
    writable: tuple[Path, ...]
    products: tuple[Path, ...]
    needed: tuple[Path, ...]
    network: bool
    tmpfs: int | None
    emulation: Emulation | None


def bind(source: Path, target: Path, *, read_only: bool = False) -> None:
    """Let ``source`` and all that is mounted below be seen at ``target``, made if missing."""
    mounts.carry_out([mounts.Bind(source, target, read_only)])


def emulate(architecture: Architecture, interpreter: Path) -> None:
    """Have programs of ``architecture`` run by ``interpreter``, in this namespace only.

    :raises OSError: when the kernel refuses, as before Linux 6.7
    """
    BINFMT.mkdir(exist_ok=True)
    if not (BINFMT / "register").exists():
        syscalls.mount("binfmt_misc", BINFMT, "binfmt_misc")
    # The name that is registered is short and has no colon, whatever the program's own is.
    link = mounts.RUN / f"qemu-{architecture.qemu}"
    link.unlink(missing_ok=True)
    link.symlink_to(interpreter)
    own = BINFMT / handler_name(architecture)
    if own.exists():
        own.write_text("-1")
    (BINFMT / "register").write_text(registration(architecture, link))
    if architecture.qemu_cpu:
        os.environ["QEMU_CPU"] = architecture.qemu_cpu


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


def describe(error: BaseException) -> dict[str, Any]:
    """An exception as JSON data: ours by its parts, a bug by its traceback."""
    if isinstance(error, CommandError):
        parts = [list(error.argv), error.status, error.tail]
        return {"error": "CommandError", "arguments": parts, "hint": error.hint}
    if isinstance(error, AimagerError):
        return {"error": type(error).__name__, "arguments": [error.message], "hint": error.hint}
    mendable = explain_system_error(error) if isinstance(error, OSError) else None
    if mendable:
        return {"error": "HostError", "arguments": [mendable.message], "hint": mendable.hint}
    return {"traceback": "".join(traceback.format_exception(error))}


def main() -> int:
    """Be the supervisor: 0, the worker's exit status, or 128 and the signal that ended it."""
    control_number, answer, lock = (int(word) for word in sys.argv[1:4])
    for number in (control_number, answer, lock):
        os.set_inheritable(number, False)
    # Ctrl-C and kill(1) are for the builder, whose end is seen on the control socket.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o022)
    with socket.socket(fileno=control_number) as control:
        try:
            return _supervise(control, answer)
        except BaseException as error:
            _write(answer, describe(error))
            return 1
        finally:
            with suppress(OSError):  # the builder removes it, too, unless it was killed by now
                Path(sys.argv[5]).rmdir()


def _supervise(control: socket.socket, answer: int) -> int:
    setup, request = _read_setup(control)
    if os.getppid() != setup.builder:  # it is already gone
        return 1
    try:
        syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWPID)
    except OSError as error:
        raise explain("a user namespace", error) from error
    control.sendall(b"u")
    if not control.recv(1):
        return 1
    os.setgroups([])
    try:
        _empty(setup.work)  # what a killed build left
        return _run_worker(setup, request, control, answer) if setup.function else 0
    finally:
        shutil.rmtree(setup.work)


def _read_setup(control: socket.socket) -> tuple[Setup, Any]:
    data = bytearray()
    while not data.endswith(b"\n"):
        chunk = control.recv(1 << 16)
        if not chunk:
            raise SystemExit(1)
        data += chunk
    message = json.loads(data)
    return codec.decode(Setup, message["setup"]), message["request"]


def _empty(directory: Path) -> None:
    for path in list(directory.iterdir()):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _run_worker(setup: Setup, request: Any, control: socket.socket, answer: int) -> int:
    """Run the worker to its end, or to the builder's, and return its exit status.

    waitpid(2) on the first process of a PID namespace returns when all others there are gone
    too (pid_namespaces(7)), so the work directory is then nobody's.
    """
    above, alive = os.pipe(), os.pipe()
    worker = os.fork()
    if not worker:
        os.close(above[1])
        os.close(alive[0])
        control.close()
        _work(setup, request, answer, supervisor=above[0])
    os.close(above[0])
    os.close(alive[1])
    watched: list[int] = [control.fileno(), alive[0]]
    with suppress(OSError):  # Linux 5.3; should the socket's other end live on in another process
        watched.append(os.pidfd_open(setup.builder))
    ready, _, _ = select.select(watched, [], [])
    if alive[0] not in ready:
        os.kill(worker, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    for product in setup.products:  # a killed worker could not
        for unfinished in temporaries(product):
            unfinished.unlink(missing_ok=True)
    return status if status >= 0 else 128 - status


def _work(setup: Setup, request: Any, answer: int, *, supervisor: int) -> NoReturn:
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
            result = codec.encode(function(codec.decode(request_type, request)))
            _write(answer, {"answer": result})
        except BaseException as error:
            _write(answer, describe(error))
        sys.stdout.flush()
        sys.stderr.flush()
        status = 0
    finally:
        os._exit(status)


def _write(descriptor: int, message: dict[str, Any]) -> None:
    with suppress(BrokenPipeError), os.fdopen(descriptor, "w", closefd=False) as stream:
        stream.write(json.dumps(message) + "\n")


def _enter(setup: Setup) -> None:
    """Make the other namespaces, and what they are to hold."""
    here = Path.cwd()
    flags = syscalls.CLONE_NEWNS | syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWIPC
    try:
        syscalls.unshare(flags if setup.network else flags | syscalls.CLONE_NEWNET)
    except OSError as error:
        raise explain("mount, UTS, IPC and network namespaces", error) from error
    mounts.carry_out(
        mounts.namespace_mounts(
            work=setup.work, tmpfs=setup.tmpfs, writable=setup.writable, needed=setup.needed
        )
    )
    socket.sethostname("aimager")
    if not setup.network:
        _raise_loopback()
    if setup.emulation:
        _emulate(setup.emulation)
    try:
        os.chdir(here)  # as it is mounted now
    except OSError:
        os.chdir("/")


def _raise_loopback() -> None:
    with socket.socket() as control:
        request = struct.pack("16sh22x", b"lo", 0)
        flags = struct.unpack("16sh22x", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | _IFF_UP))


def _emulate(emulation: Emulation) -> None:
    """Prefer a binfmt_misc of our own; the host's handler goes unseen as soon as it is there."""
    if emulation.interpreter:
        try:
            emulate(emulation.architecture, emulation.interpreter)
            return
        except OSError as error:
            reason = f"an own binfmt_misc is refused ({error.strerror})"
    else:
        reason = "the host has no statically linked qemu"
    if (BINFMT / "register").exists() or not emulation.host_handler:
        raise no_emulation(emulation.architecture, reason)
    if emulation.architecture.qemu_cpu:
        os.environ["QEMU_CPU"] = emulation.architecture.qemu_cpu


if __name__ == "__main__":
    sys.exit(main())
