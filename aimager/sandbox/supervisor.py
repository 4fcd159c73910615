"""Supervisors of namespaces, one of which stands by while another's call is at work.

To start Python and read what nearly all calls need takes a good part of what many stages take. So
the next call's process does that meanwhile, if there is a core for it. It is given its setup, and
all that it inherits from the builder, when it is wanted: until then it holds nothing but its
socket, with whose end it ends, too.
"""

import array
import atexit
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aimager import process
from aimager.progress import HEARD
from aimager.sandbox.worker_root import CERTIFICATES, TEMPORARY

_PROGRAM = (sys.executable, "-P", "-m", "aimager.sandbox.namespace_child")

_ROOM = " " * 512
"""Room among the arguments for those that are shown once it is at work."""


@dataclass(frozen=True)
class Supervisor:
    """A process that waits for its setup on the other end of ``control``."""

    process: "subprocess.Popen[bytes]"
    control: socket.socket

    def pass_on(self, line: bytes, descriptors: Sequence[int]) -> None:
        """Send one line, and with it copies of ``descriptors``.

        :raises OSError: when the process has ended
        """
        # With the first byte: a message of many may be cut where the socket's buffer is full.
        ancillary = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))
        self.control.sendmsg([line[:1]], [ancillary])
        self.control.sendall(line[1:])

    def dismiss(self) -> None:
        """Let it end, and wait for its end."""
        self.control.close()
        self.process.wait()


class Standby:
    """The supervisor that stands by for this process, if there is one."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._ready: Supervisor | None = None

    def hire(self) -> Supervisor:
        """The one that stands by, or a new one."""
        ready, self._ready = self._ready, None
        if ready and self._owner != os.getpid():  # forked: it is the other process's
            ready.control.close()
        elif ready:
            if ready.process.poll() is None:
                return ready
            ready.dismiss()
        return _start((), quiet=False)

    def prepare(self, modules: Sequence[str]) -> None:
        """Have one import ``modules`` and stand by, if a core is free for that."""
        if self._ready is None and len(os.sched_getaffinity(0)) > 1:
            self._owner = os.getpid()
            self._ready = _start(modules, quiet=True)

    def dismiss(self) -> None:
        """End it, if it is ours."""
        ready, self._ready = self._ready, None
        if ready and self._owner == os.getpid():
            ready.process.kill()
            ready.dismiss()


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


def _start(modules: Sequence[str], *, quiet: bool) -> Supervisor:
    """Start a supervisor; ``quiet``, it does not hold the builder's standard error open."""
    ours, theirs = socket.socketpair()
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
    return Supervisor(started, ours)


STANDBY = Standby()
atexit.register(STANDBY.dismiss)
