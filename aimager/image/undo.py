"""What a disk image held before files of it were changed, so that another's can be written to it.

A file of it is the SHA-256 of all that follows, a line of JSON and then, deflated, the blocks of
all parts in their order.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aimager.codec import decode, encode
from aimager.image.changed_image import BLOCK
from aimager.model.layout import Extent

_FAST = 1
_LARGEST = 256 << 20


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
    pieces = [json.dumps(encode(undo)).encode() + b"\n"]
    for name, part in undo.parts.items():
        pieces += (packed.compress(contents[name][number]) for number in part.blocks)
    text = b"".join((*pieces, packed.flush()))
    path.write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)


def read_undo(path: Path) -> Undo | None:
    """What ``path`` undoes; None if it is missing or damaged."""
    text = _read(path)
    try:
        return decode(Undo, json.loads(text[0])) if text else None
    except (ValueError, TypeError, RecursionError):
        return None


def read_contents(path: Path, undo: Undo) -> dict[str, dict[int, bytes]] | None:
    """What the blocks of all parts held, by partition; None if the file is damaged."""
    text = _read(path)
    if not text:
        return None
    wanted = sum(len(part.blocks) for part in undo.parts.values()) * BLOCK
    try:
        content = zlib.decompressobj().decompress(text[1], wanted + 1)
    except zlib.error:
        return None
    if len(content) != wanted:
        return None
    blocks = _blocks(content)
    return {
        name: {number: next(blocks) for number in part.blocks} for name, part in undo.parts.items()
    }


def _read(path: Path) -> tuple[bytes, bytes] | None:
    """The line of JSON and what follows it, if they are what was written."""
    try:
        with path.open("rb") as stream:
            digest, _, text = stream.read(_LARGEST).partition(b"\n")
    except FileNotFoundError:
        return None
    if hashlib.sha256(text).hexdigest().encode() != digest:
        return None
    line, _, packed = text.partition(b"\n")
    return line, packed


def _blocks(content: bytes) -> Iterator[bytes]:
    return (content[at : at + BLOCK] for at in range(0, len(content), BLOCK))
