"""Programs on a terminal of their own, and what is then to be seen on its screen."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyte

from tests.support.places import ROOT

LIMIT = 600.0  # seconds


class Terminal:
    """Runs ``argv`` on a terminal of ``columns`` x 24; ``seen`` are all states of its screen."""

    def __init__(
        self, argv: Sequence[str], folder: Path, env: Mapping[str, str], columns: int = 80
    ) -> None:
        self.screen = pyte.Screen(columns, 24)
        self._stream = pyte.ByteStream(self.screen)
        self.seen: list[list[str]] = []
        self.raw = b""
        self._ours, theirs = pty.openpty()
        self.resize(columns)
        self.running = subprocess.Popen(
            argv,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", **env},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            preexec_fn=_take_terminal,
        )
        os.close(theirs)

    def resize(self, columns: int) -> None:
        """Give the window another width."""
        self.screen.resize(24, columns)
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))

    def wrap_anew(self, columns: int) -> None:
        """The same as terminals do it that break the line of the cursor, its last one, anew."""
        cursor = self.screen.cursor
        text, column = self.screen.display[cursor.y].rstrip(), cursor.x
        self.resize(columns)
        self._stream.feed(f"\r{text}".encode())
        self._stream.feed(b"\x1b[A" * ((len(text) - 1) // columns) + b"\r")
        self._stream.feed(b"\n" * (column // columns) + b"\x1b[C" * (column % columns))

    def stop_at_rest(self) -> None:
        """Stop the program while its cursor rests, all that it wrote being on the screen."""
        deadline = time.monotonic() + LIMIT
        while True:
            self.running.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self.running.pid, os.WSTOPPED)
            while select.select([self._ours], [], [], 0)[0]:
                self._read()
            if self.screen.cursor.x == 0:
                return
            assert time.monotonic() < deadline, self.lines()
            self.go_on()
            time.sleep(0.01)

    def go_on(self) -> None:
        """Let a program that was stopped run."""
        self.running.send_signal(signal.SIGCONT)

    def type(self, text: str) -> None:
        """Type at the keyboard."""
        os.write(self._ours, text.encode())

    def lines(self) -> list[str]:
        """What is on the screen now."""
        return [line.rstrip() for line in self.screen.display if line.strip()]

    def wait_for(self, wanted: Callable[[list[str]], bool]) -> list[str]:
        """Read on until the screen is as wanted, and return its lines."""
        deadline = time.monotonic() + LIMIT
        while not wanted(self.lines()):
            assert time.monotonic() < deadline, self.lines()
            assert self._read(), self.lines()
        return self.lines()

    def finish(self) -> list[str]:
        """Read to the end, and return the lines of the screen then."""
        while self._read():
            pass
        self.running.wait(LIMIT)
        os.close(self._ours)
        return self.lines()

    def _read(self) -> bool:
        if not select.select([self._ours], [], [], LIMIT)[0]:
            self.running.send_signal(signal.SIGKILL)
            raise AssertionError("it says nothing")
        try:
            data = os.read(self._ours, 1 << 16)
        except OSError:  # the other end is closed
            return False
        self.raw += data
        self._stream.feed(data)
        self.seen.append(self.lines())
        return bool(data)


def _take_terminal() -> None:
    """Let Ctrl-C on it come to this process (tty_ioctl(4))."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def doit(*words: str) -> list[str]:
    """The command line of doit on the dodo.py of the folder."""
    return [sys.executable, "-m", "doit", *words]
