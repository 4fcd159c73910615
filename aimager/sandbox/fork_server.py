"""Starts supervisors of namespaces: ``python -m aimager.sandbox.fork_server``.

To start Python and read the modules of a stage takes a good part of what many stages take. So one
process does that, once, and forks a supervisor for each call, whose parent is the builder as if it
had started it (CLONE_PARENT). Its words are::

    SOCKET         number of an inherited file descriptor
    MODULE...      what to read, as there is time for it
    BLANKS         room for what ps(1) is to show of a supervisor

Each message on the socket is the name of a module, which the next supervisor will have read, and
brings the supervisor's end of a control socket (`aimager.sandbox.namespace_child`). The answer is
the number of the new process, or that of an error, negative. With the socket's end it ends. It
never has more of the builder's than that, and no user namespace.
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
from pathlib import Path
from typing import NoReturn

from aimager import memory
from aimager.sandbox import syscalls
from aimager.sandbox.namespace_child import supervise

NUMBER = struct.Struct("i")

_NAME_LIMIT = 4096

_TRIES, _PAUSE = 5, 0.1
"""How often, and after how many seconds, what others did just before is tried again."""


def main() -> int:
    """Serve until the builder's end."""
    # Ctrl-C and kill(1) are for the builder, whose end is seen on the socket.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o022)
    gc.disable()  # see `aimager.sandbox.syscalls.fork_sibling`
    modules = sys.argv[2:-1]
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        asked.set_inheritable(False)
        while True:
            while modules and not select.select([asked], [], [], 0)[0]:
                importlib.import_module(modules.pop(0))
            module, descriptors, _, _ = socket.recv_fds(asked, _NAME_LIMIT, 1)
            if not module:
                return 0
            try:
                child = syscalls.fork_sibling()
            except OSError as error:  # no room for a process
                child = -error.errno if error.errno else -errno.EAGAIN
            if not child:
                asked.close()
                _be_supervisor(descriptors[0])
            os.close(descriptors[0])
            asked.sendall(NUMBER.pack(child))
            modules.insert(0, module.decode())


def _be_supervisor(control: int) -> NoReturn:
    """Do what the builder orders, in a session of its own."""
    status = 1
    gc.freeze()  # what was read is not looked through, which would copy it
    gc.enable()
    memory.give_back_early()
    try:
        os.setsid()
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
