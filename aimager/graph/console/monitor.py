"""The one place where all that a run says is shown and taken down."""

import os
import select
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO, TextIO

from aimager.graph.console.display import Display, Plain, Relayed
from aimager.graph.console.events import CHANNEL, Record, read_line, send
from aimager.graph.console.history import Diary, Entry
from aimager.shown import shown, without_passwords

RELAYED = "AIMAGER_RELAYED"
"""In the environment of a run that is shown on another machine."""

_TICK = 0.2  # seconds
_CHUNK = 1 << 16


class Audience:
    """Has a display on ``stream`` show what is posted and, once it listens, what tasks say.

    To listen it needs a thread, which must not be there yet when doit makes its processes: a fork
    would leave them with locks that nobody holds any more. The diary is written to ``diary``
    whenever all has been shown, if the folder of the run, ``run``, is there.
    """

    def __init__(self, stream: TextIO, run: Path, diary: Path) -> None:
        reader, writer = os.pipe()
        self._said = os.fdopen(reader, "rb", buffering=0)
        self._channel = os.fdopen(writer, "wb", buffering=0)
        self._stream = os.fdopen(
            os.dup(stream.fileno()), "w", encoding=stream.encoding, errors="backslashreplace"
        )
        self._display = choose_display(self._stream)
        self._diary, self._run, self._diary_path = Diary(), run, diary
        self._thread: threading.Thread | None = None
        # Signals interrupt the main thread alone, and whoever sends holds a lock meanwhile.
        self._sender = ThreadPoolExecutor(1)
        self._shown = threading.Event()
        self._is_gone = False
        os.environ[CHANNEL] = f"/proc/{os.getpid()}/fd/{writer}"

    def post(self, event: str, task: str = "", **more: str) -> None:
        """Show a record of this process's own."""
        record = {"event": event, "task": task, **more}
        if self._thread:
            self._send(record)
        else:
            self._show(record)

    def listen(self) -> None:
        """Show from now on what tasks say."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._listen, daemon=True)
            self._thread.start()

    def catch_up(self) -> None:
        """Wait until all that was said is shown, and is in the diary."""
        if self._thread:
            self._shown.clear()
            self._send({"event": "wait"})
            self._shown.wait()

    def entries(self) -> tuple[Entry, ...]:
        """What the diary has by now."""
        self.catch_up()
        return tuple(self._diary.entries.values())

    def close(self) -> None:
        """Show what is left, and leave the terminal clean."""
        os.environ.pop(CHANNEL, None)
        if self._thread:
            self._send({"event": "end"})
            self._thread.join()
            self._sender.shutdown()
        else:
            self._said.close()
        self._channel.close()
        with suppress(OSError):  # the terminal is gone, and with it what was not yet shown
            self._display.close()
        with suppress(OSError):
            self._stream.close()

    def _send(self, record: Record) -> None:
        self._sender.submit(send, self._channel, record).result()

    def _listen(self) -> None:
        try:
            left = b""
            while True:
                if not select.select([self._said], [], [], _TICK)[0]:
                    self._try(None)
                    continue
                *lines, left = (left + self._said.read(_CHUNK)).split(b"\n")
                for line in lines:
                    record = read_line(line.decode(errors="replace"))
                    if record["event"] == "end":
                        return
                    self._show(record)
        finally:  # nobody must wait for one who does not listen
            self._said.close()
            self._shown.set()

    def _show(self, record: Record) -> None:
        if record["event"] == "wait":
            if self._run.is_dir():
                self._diary.write(self._diary_path)
            self._shown.set()
            return
        record = _escaped(record)
        self._diary.note(record)
        self._try(record)

    def _try(self, record: Record | None) -> None:
        """Let the display show it; a build goes on when its terminal or reader goes away."""
        if self._is_gone:
            return
        try:
            if record:
                self._display.show(record)
            self._display.tick()
        except OSError:
            self._is_gone = True


def _escaped(record: Record) -> Record:
    """The record as it may be shown: here, so that nothing that is said can forget it.

    Of its values, only what a failure says has several lines.
    """
    return {
        name: _escape(name, value) if isinstance(value, str) else value
        for name, value in record.items()
    }


def _escape(name: str, value: str) -> str:
    lines = value.split("\n") if name == "fault" else [value]
    return "\n".join(shown(without_passwords(line)) for line in lines)


def choose_display(stream: IO[str]) -> Display:
    """A line that changes where ``stream`` is a terminal that can, else plain lines."""
    if os.environ.get(RELAYED):
        return Relayed(stream)
    if stream.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb"):
        from aimager.graph.console.live import Live

        return Live(stream, colours=not os.environ.get("NO_COLOR"))
    return Plain(stream)
