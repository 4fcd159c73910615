"""Who waits for what: events in the place of pauses, which on a busy machine are too short."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LIMIT = 900.0
"""Seconds after which what is waited for does not come, however much else the machine does."""


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def is_waited_for(lock: Path) -> bool:
    """Whether somebody waits for the lock of a file or folder that another holds."""
    file = f":{lock.stat().st_ino} "
    waiting = (line for line in Path("/proc/locks").read_text().splitlines() if "->" in line)
    return any(file in line for line in waiting)  # proc_locks(5)


@contextmanager
def touched_once_waited_for(folder: Path, file: Path) -> Iterator[None]:
    """Make ``file`` when somebody waits for a lock in ``folder``, at the latest after the block."""
    ended = threading.Event()

    def touch() -> None:
        wait_until(lambda: ended.is_set() or any(map(is_waited_for, folder.glob(".*.lock"))))
        file.touch()

    toucher = threading.Thread(target=touch)
    toucher.start()
    try:
        yield
    finally:
        ended.set()
        toucher.join()
