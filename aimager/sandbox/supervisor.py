"""The supervisors of namespaces, as their builder has them.

They are forked by a server (`aimager.sandbox.fork_server`), which a process shares with those that
it forks. Each is given its setup, and all that it inherits from the builder, when it is wanted:
neither it nor the server holds more than a socket before, with whose end it ends, too.
"""

import array
import atexit
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from aimager import process
from aimager.errors import HostError
from aimager.progress import HEARD
from aimager.sandbox.fork_server import NUMBER, Asked
from aimager.sandbox.worker_root import CERTIFICATES, TEMPORARY

_PROGRAM = (sys.executable, "-P", "-m", "aimager.sandbox.fork_server")

_ROOM = " " * 512
"""Room among the arguments for those that are shown once a supervisor is at work."""


@dataclass(frozen=True)
class Supervisor:
    """A process that waits for its setup on the other end of ``control``.

    ``report`` is the end of a pipe from which the server tells how it ended.
    """

    process: int
    control: socket.socket
    report: int

    def pass_on(self, line: bytes, descriptors: Sequence[int]) -> None:
        """Send one line, and with it copies of ``descriptors``.

        :raises OSError: when the process has ended
        """
        # With the first byte: a message of many may be cut where the socket's buffer is full.
        ancillary = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))
        self.control.sendmsg([line[:1]], [ancillary])
        self.control.sendall(line[1:])

    def wait(self) -> int | None:
        """Wait for its end, once; its exit status, or that of `subprocess.Popen` for a signal.

        None: the server is gone, who would know. It may be called again where it was interrupted.
        """
        status = os.read(self.report, NUMBER.size)
        os.close(self.report)
        return os.waitstatus_to_exitcode(*NUMBER.unpack(status)) if status else None


@dataclass(frozen=True)
class _Server:
    """The process that forks supervisors, and the socket on which it is asked to."""

    process: "subprocess.Popen[bytes]"
    socket: socket.socket

    def fork(self, module: str) -> Supervisor:
        """A new supervisor, the next of which will have read ``module``.

        :raises HostError: when there is no room for a process
        :raises OSError: when the server has ended
        """
        ours, theirs = socket.socketpair()
        try:
            reader, writer = os.pipe()
        except OSError:
            ours.close()
            theirs.close()
            raise
        try:
            with theirs:
                try:
                    asked = Asked((module,), os.nice(0)).encode()
                    socket.send_fds(self.socket, [asked], [theirs.fileno(), writer])
                finally:
                    os.close(writer)
            number = ours.recv(NUMBER.size, socket.MSG_WAITALL)
            if len(number) < NUMBER.size:
                raise ConnectionResetError
            (process,) = NUMBER.unpack(number)
            if process < 0:
                raise HostError(
                    f"no process can be started: {os.strerror(-process)}",
                    hint="end other programs, or allow more processes: ulimit -u",
                )
        except BaseException:
            ours.close()
            os.close(reader)
            raise
        return Supervisor(process, ours, reader)

    def read(self, modules: Sequence[str]) -> None:
        """Have it read ``modules``, as there is time for it."""
        with suppress(ConnectionError):  # who wants a supervisor will meet it
            self.socket.send(Asked(tuple(modules)).encode())

    def dismiss(self) -> None:
        """Let it end, and wait for its end."""
        self.socket.close()
        self.process.wait()


class ForkServer:
    """The server of this process and those forked later, started when it is wanted, or before."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._server: _Server | None = None
        self._asking = Lock()

    def hire(self, module: str) -> Supervisor:
        """A new supervisor, which is going to need ``module``, of a server that is started for it.

        :raises OSError: when no server can be started
        """
        with self._asking:
            self.prepare(())
            assert self._server
            with suppress(ConnectionError):
                return self._server.fork(module)
            self._start((), quiet=False)  # in place of one that was killed
            return self._server.fork(module)

    def prepare(self, modules: Sequence[str]) -> None:
        """Have one read ``modules`` by the time that it is wanted."""
        if self._server is None:
            self._start(modules, quiet=True)
        elif modules:
            self._server.read(modules)

    def _start(self, modules: Sequence[str], *, quiet: bool) -> None:
        if self._server:
            self._server.socket.close()
        self._owner = os.getpid()
        self._server = _start(modules, quiet=quiet)

    def dismiss(self) -> None:
        """End it, if it is ours."""
        server, self._server = self._server, None
        if server and self._owner == os.getpid():
            server.process.kill()
            server.dismiss()


_PASSED = ("SOURCE_DATE_EPOCH", "TERM", HEARD)
_PASSED_WITH_NETWORK = (
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *CERTIFICATES,
)
"""What of the user's environment is passed on. Proxies may have passwords."""


def environment(*, network: bool = False) -> dict[str, str]:
    """What a supervisor's environment is while this process's is as it is now."""
    passed = (*_PASSED, *_PASSED_WITH_NETWORK) if network else _PASSED
    return {
        **{name: os.environ[name] for name in passed if name in os.environ},
        **process.ENVIRONMENT,
        "TMPDIR": str(TEMPORARY),
        "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _start(modules: Sequence[str], *, quiet: bool) -> _Server:
    """Start a server; ``quiet``, it does not hold the builder's standard error open."""
    # Whole messages: those of several processes do not mix.
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        started = subprocess.Popen(
            [*_PROGRAM, str(theirs.fileno()), *modules, _ROOM],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if quiet else None,
            pass_fds=(theirs.fileno(),),
            env=environment(),
            start_new_session=True,
        )
    return _Server(started, ours)


FORK_SERVER = ForkServer()
atexit.register(FORK_SERVER.dismiss)
