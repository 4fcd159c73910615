"""The image that is written: which parts of it, and their bytes, decompressed as they are read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aimager.commands.flash.block_map import BlockMap, Piece, read_block_map
from aimager.compression import DAMAGES, DECODERS, TooLargeError, decompressed
from aimager.compression_magics import LONGEST_MAGIC, suffix_of, unreadable_suffix_of
from aimager.errors import ConfigError, ImageError
from aimager.progress import say

CHUNK = 4 << 20
_PIECE = 64 << 20
"""Bytes of a piece where no map says what has to be written: what differs is found so far apart."""

_GET_ANOTHER = "build it again, or get it again from where it came"


@dataclass
class Source:
    """An image that is open: its ``size`` when decompressed, and the ``pieces`` to be written.

    ``is_mapped`` says whether a block map tells them. Without one all is written, also what are
    only zeros, or holes of the file: a card holds something else there.
    """

    path: Path
    size: int
    pieces: tuple[Piece, ...]
    is_mapped: bool
    stream: IO[bytes]
    at: int = 0

    @property
    def total(self) -> int:
        """The bytes to be written."""
        return sum(piece.size for piece in self.pieces)

    def read(self, piece: Piece) -> Iterator[tuple[int, bytes]]:
        """The chunks of a piece, each with its place; pieces have to be read in order.

        :raises ImageError: when the image is damaged, or shorter than it should be
        """
        self._skip_to(piece.start)
        while self.at < piece.end:
            start = self.at
            yield start, self._take(min(CHUNK, piece.end - start))

    def check_end(self) -> None:
        """See that a compressed image is whole, and has no more than its block map says.

        :raises ImageError: when it does not
        """
        self._skip_to(self.size)
        with _telling_damage(self.path):
            if self.stream.read(1):
                raise self._other_size(f"more than {self.size}")

    def _skip_to(self, place: int) -> None:
        if self.stream.seekable():
            self.at = self.stream.seek(place)
        while self.at < place:
            self._take(min(CHUNK, place - self.at))

    def _take(self, count: int) -> bytes:
        with _telling_damage(self.path):
            data = self.stream.read(count)
        if len(data) < count:
            raise self._other_size(str(self.at + len(data)))
        self.at += count
        return data

    def _other_size(self, found: str) -> ImageError:
        return other_size(self.path, found, self.size, is_mapped=self.is_mapped)


@contextmanager
def open_image(path: Path) -> Iterator[Source]:
    """Yield the image at ``path``, decompressed as its first bytes tell.

    :raises ConfigError: when it is empty
    :raises ImageError: when it is damaged, or its block map is not one, or another's; out of the
        block, too, when damage is met in reading
    """
    with path.open("rb") as stream:
        start = stream.read(LONGEST_MAGIC)
        if not start:
            raise ConfigError(f"{path} is empty", hint="name the image of a disk with image=")
        suffix = suffix_of(start)
        if other := unreadable_suffix_of(start):
            raise ConfigError(
                f"{path} is compressed as {other}, which cannot be read here",
                hint=f"unpack it first; those that can be read are {', '.join(DECODERS)}",
            )
        block_map = find_block_map(path, suffix)
        size = path.stat().st_size if not suffix else 0
        if block_map and size and size != block_map.size:
            raise other_size(path, str(size), block_map.size, is_mapped=True)
        if block_map:
            size = block_map.size
        size = size or _measure(path, stream, suffix)
        stream.seek(0)
        pieces = block_map.pieces if block_map else tuple(_all_of(size))
        opened = decompressed(stream, suffix)
        yield Source(path, size, pieces, block_map is not None, opened)


def find_block_map(path: Path, suffix: str) -> BlockMap | None:
    """The block map beside an image, which may be named after the one that is not compressed."""
    names = [path.name]
    if suffix and path.suffix == suffix:
        names.append(path.stem)
    for name in names:
        beside = path.with_name(f"{name}.bmap")
        if beside.exists():
            return read_block_map(beside)
    return None


def other_size(path: Path, found: str, size: int, *, is_mapped: bool) -> ImageError:
    """The error for an image of another size than its block map says, or than it had before."""
    of = "of its block map" if is_mapped else "that it had a moment ago"
    return ImageError(
        f"{path} holds {found} bytes, not the {size} {of}",
        hint="it is cut off, or was changed: build it again; or, to write all of it as it is, move"
        " the block map away, if there is one",
    )


def _measure(path: Path, stream: IO[bytes], suffix: str) -> int:
    """The bytes that a compressed image has when it is decompressed: all of it is read for that."""
    say(f"   reading {path.name} once to its end: nothing else says how large its image is")
    stream.seek(0)
    size = 0
    with _telling_damage(path):
        content = decompressed(stream, suffix)
        while data := content.read(CHUNK):
            size += len(data)
    return size


def _all_of(size: int) -> Iterator[Piece]:
    for start in range(0, size, _PIECE):
        yield Piece(start, min(_PIECE, size - start))


@contextmanager
def _telling_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (*DAMAGES, TooLargeError) as error:
        raise ImageError(f"{path} is damaged: {error}", hint=_GET_ANOTHER) from error
    except OSError as error:
        raise ImageError(
            f"{path} cannot be read: {error.strerror}", hint="see whether its disk is still there"
        ) from error


def wrong_piece(path: Path, piece: Piece) -> ImageError:
    """The error for a piece that is not what the block map says."""
    return ImageError(
        f"{path} is damaged, or was changed: its bytes {piece.start} to {piece.end - 1} are not"
        " those that its block map was made of",
        hint="build it again; or, to write it as it is, move the block map away",
    )
