"""What a program says: followed while it runs, and limited, for it may say anything."""

import os
import selectors
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO

from aimager.errors import ImageError

TAIL_LINES = 20

LIMIT = 64 << 20
"""More bytes than any program says that makes an image; it is all kept in memory and in the log."""

_CHUNK = 1 << 16
_LONGEST_LINE = 1 << 13

Watch = Callable[[str], object]
"""Is told each line that a program says, without its end; a long one in parts, `More` after the
first."""


class More(str):
    """A further part of a line."""

    __slots__ = ()


class Complaints:
    """What a program says on its standard error, taken while others read and write its pipes.

    One that says more than `LIMIT` is killed.
    """

    def __init__(self, running: "subprocess.Popen[bytes]") -> None:
        self._running = running
        self._said = bytearray()
        self._taking = threading.Thread(target=self._take, daemon=True)
        self._taking.start()

    def finish(self) -> bytes:
        """All of it, once the program has ended."""
        self._taking.join()
        return bytes(self._said)

    def refuse_excess(self) -> None:
        """Tell that the program was killed for what it said.

        :raises ImageError: when it was
        """
        if len(self._said) > LIMIT:
            raise _too_much(str(self._running.args[0]))  # type: ignore[index]

    def _take(self) -> None:
        assert self._running.stderr
        with self._running.stderr as stream:
            while data := stream.read1(_CHUNK):  # type: ignore[attr-defined]
                self._said += data
                if len(self._said) > LIMIT:
                    self._running.kill()
                    return


def _too_much(name: str) -> ImageError:
    return ImageError(
        f"{name} said more than {LIMIT >> 20} MiB, and was ended",
        hint="the log has what it said first",
    )


class Said:
    """All that a program said: its standard ``output``, and the last lines of that and of the rest.

    With ``watch``, both are one stream.
    """

    def __init__(self, name: str, log: IO[bytes] | None, watch: Watch | None) -> None:
        self.output = bytearray()
        self._name = name
        self._log = log
        self._watch = watch
        self._size = 0
        self._line = b""
        self._has_begun = False
        self._last = {1: bytearray(), 2: bytearray()}
        self._unlogged = {1: b"", 2: b""}

    def follow(self, running: "subprocess.Popen[bytes]", input: bytes) -> None:
        """Give it ``input`` and take what it says, until it says no more.

        :raises ImageError: when it says more than `LIMIT`
        """
        with selectors.DefaultSelector() as waiting:
            for stream, number in ((running.stdout, 1), (running.stderr, 2)):
                if stream:
                    waiting.register(stream, selectors.EVENT_READ, number)
            if running.stdin:
                os.set_blocking(running.stdin.fileno(), False)
                waiting.register(running.stdin, selectors.EVENT_WRITE)
            left = memoryview(input)
            while waiting.get_map():
                for key, _ in waiting.select():
                    if key.data is None:
                        left = _write(key.fd, left)
                        ended = not left
                    else:
                        data = os.read(key.fd, _CHUNK)
                        self._take(key.data, data)
                        ended = not data
                    if ended:
                        waiting.unregister(key.fileobj)
                        _close(key.fileobj)
        for number in self._unlogged:
            self._write_log(number, b"", whole=True)
        if self._watch and self._line:
            self._tell(self._line)

    def _write_log(self, number: int, data: bytes, *, whole: bool = False) -> None:
        """Write whole lines, for another program may write to the same log meanwhile."""
        said = self._unlogged[number] + data
        end = len(said) if whole or len(said) > _LONGEST_LINE else said.rfind(b"\n") + 1
        self._unlogged[number] = said[end:]
        if self._log and end:
            self._log.write(said[:end])
            self._log.flush()

    def tail(self) -> str:
        """The last lines of what it said, and then of what it complained of."""
        both = bytes(self._last[1]) + bytes(self._last[2])
        return "\n".join(both.decode(errors="replace").splitlines()[-TAIL_LINES:])

    def _tell(self, line: bytes, *, ends: bool = True) -> None:
        assert self._watch
        for start in range(0, len(line) or 1, _LONGEST_LINE):
            part = line[start : start + _LONGEST_LINE].decode(errors="replace")
            self._watch(More(part) if self._has_begun else part)
            self._has_begun = True
        self._has_begun = not ends

    def _take(self, number: int, data: bytes) -> None:
        self._size += len(data)
        if self._size > LIMIT:
            raise _too_much(self._name)
        self._write_log(number, data)
        if number == 1:
            self.output += data
        last = self._last[number]
        last += data
        del last[:-_CHUNK]
        if self._watch:
            *lines, self._line = (self._line + data).split(b"\n")
            for line in lines:
                self._tell(line)
            if len(self._line) > _LONGEST_LINE:
                self._tell(self._line, ends=False)
                self._line = b""


def _write(descriptor: int, left: memoryview) -> memoryview:
    try:
        return left[os.write(descriptor, left[:_CHUNK]) :]
    except BlockingIOError:
        return left
    except BrokenPipeError:  # it wants no more
        return left[:0]


def _close(stream: object) -> None:
    with suppress(BrokenPipeError):
        stream.close()  # type: ignore[attr-defined]
