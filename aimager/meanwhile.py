"""What is looked at now and then, in a thread of its own, while something goes on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def looking(look: Callable[[], object], seconds: float) -> Iterator[None]:
    """Call ``look`` every so many ``seconds``, until the block ends."""
    ended = threading.Event()

    def go() -> None:
        while not ended.wait(seconds):
            look()

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
