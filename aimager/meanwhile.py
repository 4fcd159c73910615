"""What is looked at now and then, in a thread of its own, while something goes on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def looking(
    look: Callable[[], object], seconds: float, *, first: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Call ``first`` once, and ``look`` every so many ``seconds``, until the block ends."""
    ended = threading.Event()

    def go() -> None:
        first()
        while not ended.wait(seconds):
            look()

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
