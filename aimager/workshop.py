"""The folders that a stage works in; nothing of them reaches its product."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any


def environment() -> Any:
    """A field of a stage that its product does not depend on."""
    return field(metadata={"identity": False}, kw_only=True)


@dataclass(frozen=True)
class Workshop:
    """``cache`` holds all that is kept, ``work`` trees while a stage runs, ``store`` packages.

    Every program's output goes to ``log``.
    """

    cache: Path
    work: Path
    store: Path
    log: Path

    @contextmanager
    def logging(self) -> Iterator[IO[bytes]]:
        """Open the log anew, for one run of the stage."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as stream:
            yield stream
