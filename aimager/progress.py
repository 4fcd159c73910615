"""What a stage is doing: sent by the code that does it, wherever it runs, to what shows it.

It is sent on standard output, which a function in a namespace has, too: between lines for people,
in records of one line each, MARK, the value of HEARD, and JSON. Only where a task is heard
(`aimager.graph.console.events`) are there records; else a stage prints nothing but its lines. Who
does not know that value, such as a name in a database that is printed, can make no record.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from aimager.files import data_size, temporaries
from aimager.meanwhile import looking
from aimager.shown import shown, shown_lines, without_passwords

HEARD = "AIMAGER_HEARD"
"""In the environment of a task whose output is shown; its value is a secret of the two."""

MARK = "\x1e"
"""The record separator, as in RFC 7464."""

_OFTEN = 0.1  # seconds between two records of one step
_LOOK = 0.2  # seconds between two looks at a file that grows
_LONG = 1.0  # seconds after which it is counted how large it will be

_lock = threading.Lock()
_last = ("", 0.0)


def say(text: str) -> None:
    """Print a line, whatever it quotes: what is outside of ours is escaped, passwords are left out.

    Further lines are those that are indented by four. Threads may say something at once.
    """
    print(f"{shown_lines(without_passwords(text))}\n", end="", flush=True)


def step(name: str, *, done: int = 0, total: int = 0, unit: str = "", detail: str = "") -> None:
    """Report that the stage is doing ``name``, and has ``done`` so many of ``total``.

    ``unit`` is "B" for bytes; a ``total`` of 0 is not known.
    """
    global _last
    with _lock:
        now = time.monotonic()
        if _last[0] == name and now - _last[1] < _OFTEN and done != total:
            return
        _last = (name, now)
    told = {"step": name, "done": done, "total": total, "unit": unit, "detail": detail}
    _tell({"event": "step", **told})


def reason(title: str, text: str) -> None:
    """Tell why the task that goes by ``title`` runs."""
    if not _tell({"event": "reason", "title": title, "reason": text}):
        say(f"{shown(title)}: {shown(text)}")


def _tell(record: dict[str, object]) -> bool:
    """Print a record, if something shows it."""
    secret = os.environ.get(HEARD)
    if secret is None:
        return False
    print(f"{MARK}{secret}{json.dumps(record)}\n", end="", flush=True)
    return True


def counting(name: str, total: int) -> Callable[[int], None]:
    """What to call with how many more bytes of ``total`` have come, from any thread."""
    done = 0
    lock = threading.Lock()

    def more(count: int) -> None:
        nonlocal done
        with lock:
            done += count
            step(name, done=done, total=total, unit="B")

    step(name, total=total, unit="B")
    return more


@contextmanager
def growing(name: str, target: Path, total: Callable[[], int] = lambda: 0) -> Iterator[None]:
    """Tell, while the block runs, how many bytes of ``target`` have been written.

    Once the block has taken a second, ``total`` is asked, beside it, how many there will be; 0 is
    not known. Should there be more in the end, they are not told.
    """
    begun, expected = time.monotonic(), 0

    def look() -> tuple[int, int]:
        nonlocal expected
        if not expected and time.monotonic() - begun > _LONG:
            expected = total()
        done = _written(target)
        return (min(done, expected) if expected else done), expected

    with _looking(name, look):
        yield


@contextmanager
def reading(name: str, source: IO[bytes]) -> Iterator[None]:
    """Tell, while the block runs, how far ``source`` has been read, even by another process.

    Whoever inherits a descriptor shares its offset (open(2)).
    """
    size = os.fstat(source.fileno()).st_size
    with _looking(name, lambda: (os.lseek(source.fileno(), 0, os.SEEK_CUR), size)):
        yield


@contextmanager
def _looking(name: str, look: Callable[[], tuple[int, int]]) -> Iterator[None]:
    """Tell now and then, while the block runs, how many bytes are done, of how many."""
    step(name, unit="B")
    if HEARD not in os.environ:
        yield
        return

    def tell() -> None:
        done, total = look()
        step(name, done=done, total=total, unit="B")

    with looking(tell, _LOOK):
        yield


def _written(target: Path) -> int:
    """The bytes that a file, or what is to become it, has on the disk: without its holes."""
    return sum(data_size(path) for path in (target, *temporaries(target)))
