"""The way of all that tasks say to the one place where it is shown.

::

    main process   its monitor (`aimager.graph.console.monitor`) reads the channel, a pipe
      ^              CHANNEL in the environment names the pipe: /proc/PID/fd/N
      |
    task           in this process or in one that doit started; while it is `heard`, its standard
      ^            output is a pipe of its own, whose lines are sent on as records with its name
      |
    its children   in their namespaces, with the same standard output
"""

import fcntl
import json
import os
import secrets
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from aimager.progress import HEARD, MARK

CHANNEL = "AIMAGER_CHANNEL"

_LAST_WORDS = 5.0  # seconds for what is still in a task's pipe when it has ended

Record = dict[str, Any]


@contextmanager
def heard(task: str) -> Iterator[None]:
    """Send all that this process and its children say in the block to the channel, if there is one.

    Not in a thread beside others, which share a standard output.
    """
    channel = os.environ.get(CHANNEL)
    if not channel or threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = os.pipe()
    with open(channel, "wb", buffering=0) as target, os.fdopen(reader, errors="replace") as said:  # noqa: PTH123
        send(target, {"event": "began", "task": task})
        os.environ[HEARD] = secret = secrets.token_hex()
        relaying = threading.Thread(target=_relay, args=(task, said, target, secret), daemon=True)
        relaying.start()
        try:
            with _said_into(writer):
                yield
        finally:
            del os.environ[HEARD]
            relaying.join(_LAST_WORDS)


@contextmanager
def _said_into(writer: int) -> Iterator[None]:
    """Let standard output be ``writer``, and standard error too if both are a terminal."""
    numbers = [1, 2] if os.isatty(1) and os.isatty(2) else [1]
    kept = [(number, os.dup(number)) for number in numbers]
    try:
        _flush()
        for number in numbers:
            os.dup2(writer, number)
        os.close(writer)
        yield
    finally:
        _flush()
        for number, copy in kept:
            os.dup2(copy, number)
            os.close(copy)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


def _relay(task: str, said: IO[str], channel: IO[bytes], secret: str) -> None:
    for line in said:
        send(channel, {**read_line(line, secret), "task": task})


def read_line(line: str, secret: str = "") -> Record:
    """The record that a line is, or one of its text; ``secret`` is what follows the mark."""
    begin = f"{MARK}{secret}"
    if line.startswith(begin):
        try:
            record = json.loads(line[len(begin) :])
        except ValueError:
            record = None
        if isinstance(record, dict):
            return record
    return {"event": "text", "text": line.rstrip("\n")}


def send(channel: IO[bytes], record: Record) -> None:
    """Write a record to the channel, which others write to at the same time.

    They wait while the channel is locked: whoever has it open for longer than a record must not be
    interrupted here.
    """
    try:
        with suppress(PermissionError):  # where nothing can be locked, no build gets far
            fcntl.flock(channel, fcntl.LOCK_EX)
        left = memoryview(f"{MARK}{json.dumps(record)}\n".encode())
        while left:
            left = left[channel.write(left) :]
    finally:
        with suppress(PermissionError):
            fcntl.flock(channel, fcntl.LOCK_UN)
