"""An image that is read from part of a file, and changed in memory, block by block."""

from collections.abc import Iterable, Mapping
from os import pread
from pathlib import Path
from typing import IO

from aimager.model.layout import Extent

BLOCK = 4096


class ChangedImage:
    """What ``extent`` of ``file`` holds, with other ``blocks``, by their number in it.

    Nothing is ever written to the file. Places are in bytes from the extent's start.
    """

    def __init__(
        self, file: IO[bytes], extent: Extent, blocks: Mapping[int, bytes] | None = None
    ) -> None:
        self.file = file
        self.extent = extent
        self.blocks: dict[int, bytes] = dict(blocks or {})

    @property
    def name(self) -> str:
        """What errors call it by: its file's name."""
        return Path(self.file.name).name

    @property
    def size(self) -> int:
        """The bytes of the image."""
        return self.extent.size

    def wait(self) -> None:
        """Wait until the file holds the image, where that is being made."""

    def read(self, start: int, size: int) -> bytes:
        """The ``size`` bytes from ``start``, fewer where the image ends before."""
        size = max(min(size, self.size - start), 0)
        found = pread(self.file.fileno(), size, self.extent.start + start)
        first, end = start // BLOCK, -(-(start + size) // BLOCK)
        numbers = [n for n in range(first, end) if n in self.blocks] if self.blocks else []
        if not numbers:
            return found
        content = bytearray(found)
        for number in numbers:
            at = number * BLOCK
            begin, after = max(at, start), min(at + BLOCK, start + size)
            content[begin - start : after - start] = self.blocks[number][begin - at : after - at]
        return bytes(content)

    def write(self, start: int, data: bytes) -> None:
        """Let the image hold ``data`` at ``start``; what is the same there stays as it is."""
        end = start + len(data)
        before = self.read(start, len(data))
        if before == data:
            return
        for number in range(start // BLOCK, -(-end // BLOCK)):
            at = number * BLOCK
            begin, after = max(at, start), min(at + BLOCK, end)
            new = data[begin - start : after - start]
            if new == before[begin - start : after - start]:
                continue
            block = self.read(at, BLOCK)
            self.blocks[number] = block[: begin - at] + new + block[after - at :]

    def take(self, other: "ChangedImage", extents: Iterable[Extent]) -> None:
        """Let the image hold in ``extents`` what ``other`` does."""
        for extent in extents:
            self.write(extent.start, other.read(extent.start, extent.size))
