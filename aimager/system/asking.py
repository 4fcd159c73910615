"""Questions that a script in a jail asks, and waits for the answers to, by two named pipes.

A question is some lines, the last of which is empty, and so is an answer. The folder of the pipes
is read-only in the jail; who else is there may ask, or take an answer away, but do no more than
spoil the image that it belongs to anyway.
"""

import os
import select
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

ASKED, ANSWER = "asked", "answer"

_CHUNK = 1 << 16
_LONGEST = 16 << 20
"""Bytes of a question: a name of 100 bytes for each of 160,000 folders."""


@contextmanager
def answering(folder: Path, answer: Callable[[Sequence[str]], Sequence[str]]) -> Iterator[None]:
    """While in the block, answer what is asked by the pipes in ``folder``, which are made there.

    What ``answer`` raises is raised after the block; nothing is answered then.
    """
    pipes = []
    for name in (ASKED, ANSWER):
        os.mkfifo(folder / name, 0o600)
        # For both directions: so it is never at its end, and opening waits for nobody.
        pipes.append(os.open(folder / name, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
    over, end = os.pipe()
    serving = _Serving(pipes[0], pipes[1], over, answer)
    thread = Thread(target=serving.serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.close(end)
        thread.join()
        for descriptor in (*pipes, over):
            os.close(descriptor)
    if serving.failure:
        raise serving.failure


class _Serving:
    def __init__(
        self, asked: int, answered: int, over: int, answer: Callable[[Sequence[str]], Sequence[str]]
    ) -> None:
        self.failure: BaseException | None = None
        self._asked = asked
        self._answered = answered
        self._over = over
        self._answer = answer

    def serve(self) -> None:
        try:
            for question in self._questions():
                self._send(self._answer(question))
        except BaseException as error:
            self.failure = error
            self._send([""])  # whoever waits is not to wait for ever

    def _questions(self) -> Iterator[list[str]]:
        data = b""
        while len(data) < _LONGEST and self._is_ready(reading=True):
            data += os.read(self._asked, _CHUNK)
            while b"\n\n" in data:
                question, _, data = data.partition(b"\n\n")
                yield question.decode(errors="surrogateescape").split("\n")

    def _send(self, lines: Sequence[str]) -> None:
        data = "".join(f"{line}\n" for line in (*lines, "")).encode(errors="surrogateescape")
        while data and self._is_ready(reading=False):
            data = data[os.write(self._answered, data) :]

    def _is_ready(self, *, reading: bool) -> bool:
        """Wait for the pipe; False: the block has ended."""
        wanted = ([self._asked, self._over], []) if reading else ([self._over], [self._answered])
        readable, _, _ = select.select(*wanted, [])
        return self._over not in readable
