"""What a disk image held before files of it were changed, so that another's can be written to it.

A file of it is a line of JSON and then, deflated, the blocks of all parts in their order.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aimager.codec import decode, encode
from aimager.image.changed_image import BLOCK
from aimager.model.layout import Extent

_FAST = 1
_LONGEST_LINE = 16 << 20


@dataclass(frozen=True)
class UndonePart:
    """A partition in ``extent`` of the disk, of which the ``blocks`` of these numbers changed."""

    extent: Extent
    blocks: tuple[int, ...]


@dataclass(frozen=True)
class Undo:
    """What to undo in the disk image with this ``sha256``, ``size`` and time, by partition.

    It becomes that of the images that are known as ``plain``.
    """

    plain: str
    sha256: str
    size: int
    mtime_ns: int
    parts: dict[str, UndonePart]


def write_undo(path: Path, undo: Undo, contents: Mapping[str, Mapping[int, bytes]]) -> None:
    """Fill the file ``path`` with ``undo`` and what the blocks of its parts held."""
    packed = zlib.compressobj(_FAST)
    with path.open("wb") as stream:
        stream.write(json.dumps(encode(undo)).encode() + b"\n")
        for name, part in undo.parts.items():
            for number in part.blocks:
                stream.write(packed.compress(contents[name][number]))
        stream.write(packed.flush())


def read_undo(path: Path) -> Undo | None:
    """What ``path`` undoes; None if it is missing or damaged."""
    try:
        with path.open("rb") as stream:
            undo: Undo = decode(Undo, json.loads(stream.readline(_LONGEST_LINE)))
    except (OSError, ValueError, TypeError):
        return None
    return undo


def read_contents(path: Path, undo: Undo) -> dict[str, dict[int, bytes]] | None:
    """What the blocks of all parts held, by partition; None if the file is damaged."""
    unpacking = zlib.decompressobj()
    wanted = sum(len(part.blocks) for part in undo.parts.values()) * BLOCK
    with path.open("rb") as stream:
        stream.readline(_LONGEST_LINE)
        try:
            content = unpacking.decompress(stream.read(), wanted + 1)
        except zlib.error:
            return None
    if len(content) != wanted:
        return None
    blocks = _blocks(content)
    return {
        name: {number: next(blocks) for number in part.blocks} for name, part in undo.parts.items()
    }


def _blocks(content: bytes) -> Iterator[bytes]:
    return (content[at : at + BLOCK] for at in range(0, len(content), BLOCK))
