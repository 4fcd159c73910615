"""A file in an archive or an image, as the readers of the tests tell of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Node:
    """A file's path, all that is told of it in the order in which it matters, and its content."""

    path: str
    facts: Mapping[str, str]
    read: Callable[[], bytes] = field(compare=False)


@dataclass(frozen=True)
class Window:
    """A part of a file, such as a partition of a disk's image."""

    file: Path
    start: int
    size: int

    @classmethod
    def whole(cls, file: Path) -> "Window":
        """All of a file."""
        return cls(file, 0, file.stat().st_size)

    def read(self, at: int, size: int) -> bytes:
        """``size`` bytes from ``at`` on, fewer at the end."""
        with self.file.open("rb") as stream:
            stream.seek(self.start + at)
            return stream.read(max(min(size, self.size - at), 0))

    def part(self, at: int, size: int) -> "Window":
        """A window in it."""
        return Window(self.file, self.start + at, size)
