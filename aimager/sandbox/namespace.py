"""Run a function as root of a small machine of its own, as an ordinary user.

::

    builder   doit, or whoever calls call(): the user's own process, in the host's namespaces
      |         control socket (its end is the order to stop), answer pipe
      v
    supervisor   forked by `aimager.sandbox.fork_server`, in its own session, out of Ctrl-C's reach
      |            a new user namespace, in which it is root; the host's mounts
      |            waits for the worker or for the builder's end, then removes the work directory
      v
    worker       process 1 of a new PID namespace; new mount, UTS, IPC and network namespaces
      |            runs the function; killed with the supervisor (PR_SET_PDEATHSIG)
      v
    programs     pacman, gpg, gpg-agent ...: killed with process 1 (pid_namespaces(7))

Whatever ends the builder, SIGKILL too, closes its end of the control socket, and nothing of all
this is left: no process, no mount, no file. Should the supervisor be killed instead, the builder
removes the work directory, and should both be, the next call does that finds it unlocked.

Not a fork of the builder: unshare(2) refuses CLONE_NEWUSER to a program with threads, and a builder
has them.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from aimager import codec
from aimager.errors import HostError
from aimager.locks import lock_folder
from aimager.model.architecture import Architecture, host_architecture
from aimager.sandbox import binfmt, id_map
from aimager.sandbox.answer import title, understand
from aimager.sandbox.handed_files import hand_out, keep_open, see_all
from aimager.sandbox.kept_tmpfs import Shelf
from aimager.sandbox.namespace_child import NamespaceSetup, Order, resolve, signature
from aimager.sandbox.sums import summing
from aimager.sandbox.supervisor import FORK_SERVER, Supervisor, environment
from aimager.sandbox.worker_root import CERTIFICATES, TERMINAL, Seen, code, see
from aimager.trees import remove_folder

Q = TypeVar("Q")
A = TypeVar("A")

_shelf = Shelf()

_CHUNK = 1 << 16


def call(
    function: Callable[[Q], A],
    request: Q,
    *,
    work: Path,
    reads: Sequence[Path] = (),
    products: Sequence[Path] = (),
    keeps: Sequence[Path] = (),
    network: bool = False,
    foreign: Architecture | None = None,
    qemu_later: bool = False,
    tmpfs: int | None = None,
    terminal: Path | None = None,
    known: dict[str, str] | None = None,
) -> A:
    """Run ``function(request)`` as root in new namespaces and return what it returns.

    The function is one of a module's own; request and answer cross as JSON by its annotations. It
    sees what `aimager.sandbox.worker_root` draws, and no more of the host.

    :param work: a directory for this call alone, mode 0700, by whose name errors call what is done
        in it, its first stop being a colon; made if missing. **It and all in it is
        removed**, at the end, and before the beginning what a killed call left. Trees belong
        below it.
    :param reads: files and folders that it sees, read-only, as far as they are there
    :param products: files that it makes: they are opened for it, empty, and get their names once
        it has returned, those that it left empty left out
    :param keeps: files that it writes to in place, whatever becomes of it; made if missing
    :param network: whether the host's network can be used
    :param foreign: an architecture whose programs must run, and by whose name the machine goes
    :param qemu_later: whether the function brings a qemu, should the host have none
    :param tmpfs: hold ``work`` in memory, in at most so many bytes
    :param terminal: the user's, which it has as `aimager.sandbox.worker_root.TERMINAL`
    :param known: is given the SHA-256 of those products, by name, that it asked for
        (`aimager.sandbox.sums`)
    :raises AimagerError: what the function raised, or HostError when the host cannot do this
    :raises ChildFailed: when the function raised anything else
    """
    name = f"{function.__module__}:{function.__qualname__}"
    if resolve(name) is not function or function.__module__ == "__main__":
        raise TypeError(f"{name} is not a function that another process can import")
    _, answer_type = signature(function)
    emulation = binfmt.emulation(foreign, later=qemu_later) if foreign else None
    linux32 = foreign is not None and emulation is None and foreign is not host_architecture()
    with _held(work) as (place, lock), hand_out(products) as handed:
        _refuse_below(place, (*reads, *products, *keeps))
        seen = (*code(), *see_all(reads), *keep_open(keeps), *(file.seen for file in handed))
        if emulation and emulation.interpreter:
            seen = (*seen, see(emulation.interpreter))
        if network:
            named = [os.environ[name] for name in CERTIFICATES if os.environ.get(name)]
            seen = (*seen, *see_all([Path(name) for name in named]))
        if terminal:
            seen = (*seen, Seen(terminal.resolve(), TERMINAL, writable=True))
        setup = NamespaceSetup(
            builder=os.getpid(),
            function=name,
            work=place,
            work_at=work.absolute(),
            seen=seen,
            products=tuple(file.target for file in handed),
            network=network,
            tmpfs=tmpfs,
            emulation=emulation,
            linux32=linux32,
        )
        with summing(handed) as (sums, channel):
            data = _run(setup, codec.encode(request), (lock, channel))
        answer: A = codec.decode(answer_type, data)
        if known is not None:
            known |= sums.found
    return answer


def get_ready(*modules: str) -> None:
    """Have what starts calls' processes get ready meanwhile, so that the first begins sooner.

    It is to be of a function in one of ``modules``; without any, in one that is read already.
    """
    FORK_SERVER.prepare(modules or _callers())


def remove_tree(path: Path) -> None:
    """Remove a directory with files of any owner that a namespace made; a missing one is fine.

    :raises HostError: when a call is still at work in it, or what is in it is not this user's
    """
    with suppress(FileNotFoundError), _held(path, make=False):
        pass


@contextmanager
def _held(work: Path, *, make: bool = True) -> Iterator[tuple[Path, int]]:
    """Yield the work directory and the descriptor that locks it; at the end both are gone."""
    work = work.absolute().parent.resolve() / work.name
    if any(path.is_relative_to(work) for path in (Path.cwd(), Path(os.environ.get("HOME", "/")))):
        raise ValueError(f"{work} holds more than one call's work")
    try:
        lock = lock_folder(work, make=make, mode=0o700, wait=False)
    except BlockingIOError:
        raise HostError(
            f"{title(work)} is in use by another build", hint="wait for its end, or stop it"
        ) from None
    try:
        yield work, lock
    finally:
        try:
            if work.exists():
                _remove(work, lock)
        finally:
            os.close(lock)


def _remove(work: Path, lock: int) -> None:
    """Remove what the supervisor did not: as this user, or, if that fails, as root."""
    try:
        remove_folder(work)
    except PermissionError:
        with summing(()) as (_, channel):
            setup = NamespaceSetup(os.getpid(), "", work, work)
            _run(setup, None, (lock, channel))


def _refuse_below(work: Path, paths: Sequence[Path]) -> None:
    for path in paths:
        if path.absolute().parent.resolve().is_relative_to(work):
            raise ValueError(f"{path} is below {work}, which is removed")


def _run(setup: NamespaceSetup, request: Any, held: tuple[int, int]) -> Any:
    """Have a supervisor do it, map its ids and return the function's answer, as JSON data."""
    supervisor = FORK_SERVER.hire(setup.function.partition(":")[0] or __name__)
    control, has_ended = supervisor.control, False
    trees = _shelf.take()
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as answer, relayed(1) as said, relayed(2) as complained:
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # then the answer says why
                given = (writer, *held, said, complained)
                _give_order(supervisor, setup, request, given, trees)
                if control.recv(1):
                    id_map.write_maps(supervisor.process)
                    control.sendall(b"m")
            reply = answer.read()
            status = supervisor.wait()
            has_ended = True
        finally:
            _shelf.put_back(trees, control)
            control.close()  # the order to stop
            if not has_ended:
                supervisor.wait()
    return understand(setup, reply, status)


@contextmanager
def relayed(number: int) -> Iterator[int]:
    """The end of a pipe whatever is written to which is written to our descriptor ``number``.

    Who has it holds nothing of ours: neither a terminal nor a file.
    """
    reader, writer = os.pipe()
    relaying = threading.Thread(target=_relay, args=(reader, number), daemon=True)
    relaying.start()
    try:
        yield writer
    finally:
        os.close(writer)
        relaying.join()


def _relay(reader: int, number: int) -> None:
    with os.fdopen(reader, "rb", buffering=0) as said, suppress(OSError):  # nobody may be there
        while data := said.read(_CHUNK):
            while data:
                data = data[os.write(number, data) :]


def _callers() -> list[str]:
    """The modules of ours that use `call`, whose functions the next calls may run."""
    return sorted(
        name
        for name, module in sys.modules.items()
        if name.startswith("aimager.") and getattr(module, "call", None) is call
    )


def _give_order(
    supervisor: Supervisor,
    setup: NamespaceSetup,
    request: Any,
    descriptors: tuple[int, ...],
    trees: Mapping[str, int],
) -> None:
    """Tell it what to do; the first of ``descriptors``, for the answer, is then closed here."""
    order = Order(
        setup=setup,
        request=json.dumps(request),
        environment=environment(network=setup.network),
        directory=Path.cwd(),
        trees=tuple(trees),
    )
    line = json.dumps(codec.encode(order)).encode() + b"\n"
    try:
        supervisor.pass_on(line, [*descriptors, *trees.values()])
    finally:
        os.close(descriptors[0])
