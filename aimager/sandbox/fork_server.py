"""Starts supervisors of namespaces: ``python -m aimager.sandbox.fork_server``.

To start Python and read the modules of a stage takes a good part of what many stages take. So one
process does that, once, and forks a supervisor for each call of all processes that share it. Its
words are::

    SOCKET         number of an inherited file descriptor
    MODULE...      what to read, as there is time for it
    BLANKS         room for what ps(1) is to show of a supervisor

Each message on the socket, whose other end many processes may have, is an :class:`Asked`. It brings
the supervisor's end of a control socket (`aimager.sandbox.namespace_child`), on which comes first
the number of the new process, or that of an error, negative; and a pipe's end, into which goes what
waitpid(2) tells of it once it has ended. With the socket's end the server ends. It never has more
of a builder's than that, and no user namespace.
"""

import errno
import gc
import importlib
import os
import select
import signal
import socket
import struct
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from aimager import memory
from aimager.sandbox.namespace_child import supervise

NUMBER = struct.Struct("i")

_LONGEST = 1 << 14
"""Bytes of a message."""
_DESCRIPTORS = 2
"""That come with a message: the end of a control socket, and that of a pipe for the report."""
_MANY = 1 << 12
"""Bytes that are read of a pipe whose bytes tell nothing but that there are some."""

_TRIES, _PAUSE = 5, 0.1
"""How often, and after how many seconds, what others did just before is tried again."""


@dataclass(frozen=True)
class Asked:
    """A message: how nice (nice(2)) the supervisor is to be, and what the next one will have read.

    Where none is wanted, no descriptors come with it.
    """

    modules: tuple[str, ...]
    niceness: int = 0

    def encode(self) -> bytes:
        """As it is sent."""
        return " ".join([str(self.niceness), *self.modules]).encode()

    @classmethod
    def decode(cls, message: bytes) -> "Asked":
        """What `encode` made."""
        niceness, *modules = message.decode().split(" ")
        return cls(tuple(modules), int(niceness))


def main() -> int:
    """Serve until the builder's end."""
    # Ctrl-C and kill(1) are for the builder, whose end is seen on the socket.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o022)
    gc.disable()  # to look through what modules leave frees nothing
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        asked.set_inheritable(False)
        _Server(asked, sys.argv[2:-1]).serve()
    return 0


class _Server:
    """Forks who is ``asked`` for, and reads ``modules`` meanwhile."""

    def __init__(self, asked: socket.socket, modules: list[str]) -> None:
        self._asked = asked
        self._modules = modules
        self._reports: dict[int, int] = {}
        self._ended, self._wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def serve(self) -> None:
        signal.signal(signal.SIGCHLD, lambda *_: None)  # which lets its number be written
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        while True:
            watched = [self._asked.fileno(), self._ended]
            ready, _, _ = select.select(watched, [], [], 0 if self._modules else None)
            if self._ended in ready:
                os.read(self._ended, _MANY)
                self._report()
            if self._asked.fileno() in ready:
                message, descriptors, _, _ = socket.recv_fds(self._asked, _LONGEST, _DESCRIPTORS)
                if not message:
                    return
                asked = Asked.decode(message)
                if len(descriptors) == _DESCRIPTORS:
                    self._fork(asked, *descriptors)
                else:  # none is wanted, or there was no room for them
                    for descriptor in descriptors:
                        os.close(descriptor)
                self._modules[:0] = asked.modules
            elif self._modules:
                with suppress(Exception):  # who needs it reads it again, and tells
                    importlib.import_module(self._modules.pop(0))

    def _fork(self, asked: Asked, control: int, report: int) -> None:
        try:
            child = os.fork()
        except OSError as error:  # no room for a process
            child = -(error.errno or errno.EAGAIN)
        if not child:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._asked.close()
            for descriptor in (self._ended, self._wakes, *self._reports.values()):
                os.close(descriptor)
            os.set_inheritable(report, False)  # without a server, it is its end that tells
            _answer(control, os.getpid())
            _be_supervisor(control, asked.niceness)
        if child > 0:
            self._reports[child] = report
        else:
            _answer(control, child)
            os.close(report)
        os.close(control)

    def _report(self) -> None:
        """Tell how those ended that have, and forget them."""
        while self._reports:
            child, status = os.waitpid(-1, os.WNOHANG)
            if not child:
                return
            if child in self._reports:  # and no module's that was read
                with suppress(OSError), os.fdopen(self._reports.pop(child), "wb") as report:
                    report.write(NUMBER.pack(status))


def _answer(control: int, number: int) -> None:
    with suppress(OSError):  # who asked may be gone
        os.write(control, NUMBER.pack(number))


def _be_supervisor(control: int, niceness: int) -> NoReturn:
    """Do what the builder orders, in a session of its own."""
    status = 1
    gc.freeze()  # what was read is not looked through, which would copy it
    gc.enable()
    memory.give_back_early()
    try:
        os.setsid()
        os.nice(max(niceness - os.nice(0), 0))
        _be_as_nice()
        os.set_inheritable(control, False)
        with socket.socket(fileno=control) as orders:
            status = supervise(orders)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _be_as_nice() -> None:
    """Let a session of its own be as nice as its process: by itself it would be as any other.

    See sched(7), "The autogroup feature". Of all but root, it takes ten of that a second.
    """
    niceness = os.nice(0)
    for _ in range(_TRIES if niceness > 0 else 0):
        try:
            Path("/proc/self/autogroup").write_text(str(niceness))
        except BlockingIOError:
            time.sleep(_PAUSE)
        except OSError:  # the kernel lacks it
            return
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
