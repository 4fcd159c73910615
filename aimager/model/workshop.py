"""The folders that a stage works in; nothing of them reaches its product."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from aimager.files import FILE
from aimager.model.remote import Remote


def environment() -> Any:
    """A field of a stage that its product does not depend on."""
    return field(metadata={"identity": False}, kw_only=True)


def unread(default: object = None) -> Any:
    """A path that may be given, or several, on which the product does not depend."""
    return field(default=default, metadata={"identity": False}, kw_only=True)


@dataclass(frozen=True)
class Workshop:
    """``cache`` holds all that is kept, ``work`` trees while a stage runs, ``store`` packages.

    Every program's output goes to ``log``. ``memory`` is how large a tmpfs may hold trees, as
    `aimager.memory.tmpfs_size` takes the wish. ``jobs`` is how many stages may be at work at the
    same time, among which memory and cores are shared. ``borrow`` is whether native programs stand
    in for foreign ones (`aimager.sandbox.native_programs`). ``remote`` is a store that machines
    share.
    """

    cache: Path
    work: Path
    store: Path
    log: Path
    memory: int | None = None
    jobs: int = 1
    borrow: bool = True
    remote: Remote | None = None
    terminal: Path | None = None
    """Where a shell is to be opened in a root whose making failed."""
    forgives: bool = False
    """Whether an image may be made although what it boots from failed to be."""
    pacman_verifies: bool = False
    """Whether pacman verifies packages, too, by gpg."""

    @contextmanager
    def logging(self, *, goes_on: bool = False) -> Iterator[IO[bytes]]:
        """Open the log anew, for one run of the stage, or the log of one that ``goes_on``."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab" if goes_on else "wb") as stream:
            os.fchmod(stream.fileno(), FILE)
            yield stream
