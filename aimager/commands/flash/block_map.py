"""Reading block maps, which say what of an image has to be written, and with which checksums.

They are those of `aimager.image.bmap`, and of bmaptool(1) from version 3.0 on (the format 2.x).
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from aimager.errors import ImageError

_LARGEST = 64 << 20
"""Bytes of a map: more than one for each block of 1 TB."""

_RANGE = re.compile(r"\s*(\d{1,15})(?:\s*-\s*(\d{1,15}))?\s*")
_WITHOUT = "build again; or, to write all of the image, move the map away"


@dataclass(frozen=True)
class Piece:
    """A part of an image, in bytes; ``sha256`` is what it has to have, empty where that is open."""

    start: int
    size: int
    sha256: str = ""

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.start + self.size


@dataclass(frozen=True)
class BlockMap:
    """What of an image of ``size`` bytes has to be written, in order."""

    size: int
    pieces: tuple[Piece, ...]


def read_block_map(path: Path) -> BlockMap:
    """The block map in a file.

    :raises ImageError: when it is damaged, or of a kind that is not known here
    """
    with path.open("rb") as stream:
        text = stream.read(_LARGEST + 1)
    try:
        if len(text) > _LARGEST:
            raise ValueError("it is too large")
        return _parse(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise ImageError(f"the block map {path} cannot be used: {error}", hint=_WITHOUT) from error


def _parse(text: bytes) -> BlockMap:
    root = ElementTree.fromstring(text)
    version = root.get("version", "")
    if root.tag != "bmap" or not version.startswith("2."):
        raise ValueError(f"it is of version {version or 'none'}, not 2.0")
    if (kind := _field(root, "ChecksumType")) != "sha256":
        raise ValueError(f"its checksums are of the kind {kind}, not sha256")
    own = _field(root, "BmapFileChecksum").encode()
    if hashlib.sha256(text.replace(own, b"0" * len(own), 1)).hexdigest().encode() != own:
        raise ValueError("its own checksum is another: it is damaged, or was changed")
    size, block = int(_field(root, "ImageSize")), int(_field(root, "BlockSize"))
    if size <= 0 or block <= 0:
        raise ValueError("it is of no blocks")
    return BlockMap(size, tuple(_pieces(root, size, block)))


def _field(root: ElementTree.Element, name: str) -> str:
    text = (root.findtext(name) or "").strip()
    if not text:
        raise ValueError(f"it has no {name}")
    return text


def _pieces(root: ElementTree.Element, size: int, block: int) -> Iterator[Piece]:
    """The pieces in order; the last one may end within its last block, as the image does."""
    end = 0
    for element in root.iterfind("BlockMap/Range"):
        match = _RANGE.fullmatch(element.text or "")
        if not match:
            raise ValueError(f"{element.text} is not a range of blocks")
        start = int(match[1]) * block
        after = min((int(match[2] or match[1]) + 1) * block, size)
        if not end <= start < after:
            raise ValueError(f"its blocks {match[0].strip()} are out of order, or not of the image")
        end = after
        yield Piece(start, after - start, element.get("chksum", ""))
