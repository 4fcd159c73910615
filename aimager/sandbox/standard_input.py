"""Our standard input, for the worker of a call to read.

It comes by a named pipe, whatever it is: who reads that holds nothing of the user's, neither a file
nor a terminal, through which more could be had (`aimager.sandbox.namespace.relayed`).
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_CHUNK = 1 << 16


@contextmanager
def fed_pipe(pipe: Path) -> Iterator[Path]:
    """Make ``pipe``, into which all that we read from standard input is written."""
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe, 0o600)
    # As long as we have it open, what is written is kept for who is still to open it (fifo(7)).
    held = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        writer = os.open(pipe, os.O_WRONLY)
        threading.Thread(target=_feed, args=(writer,), daemon=True).start()
        yield pipe
    finally:
        os.close(held)
        pipe.unlink(missing_ok=True)


def open_fed(pipe: Path) -> int:
    """A descriptor of what `fed_pipe` made, to its end."""
    descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # who writes may have ended
    os.set_blocking(descriptor, True)
    return descriptor


def _feed(writer: int) -> None:
    with os.fdopen(writer, "wb", buffering=0) as pipe, suppress(OSError):  # nobody may read on
        # None: it was closed when Python began, and its number may be another file's.
        while sys.stdin and (data := os.read(0, _CHUNK)):
            pipe.write(data)
