"""Compressed files as streams; a cut-off or damaged one is always noticed and named.

A stream never takes more memory than a window and what is read at once, whatever it holds.
"""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

import zstandard

from aimager import limits, memory
from aimager.compression_magics import LONGEST_MAGIC, UNREADABLE, suffix_of
from aimager.errors import ImageError
from aimager.lz4 import Lz4Frame
from aimager.toolbox import Toolbox
from aimager.zstd_blocks import Blocks

_BUFFER = 1 << 20
_INPUT = 1 << 16

OTHER_MIRROR = (
    "another mirror, which repo-url-parent= or repo-url-NAME= names, may have it whole; or"
    " leave the"
    " package out"
)

DAMAGES = (zstandard.ZstdError, lzma.LZMAError, zlib.error, EOFError)
"""What the decoders raise for damage."""


class TooLargeError(ValueError):
    """A stream holds more than is taken."""


@contextmanager
def opened(path: Path, *, limit: int | None = None) -> Iterator[IO[bytes]]:
    """Yield what ``path`` holds, decompressed as its suffix tells: .zst, .xz, .gz, .bz2, .lz4 or
    none.

    :raises ImageError: out of the block, when reading in it meets damage or more than ``limit``
        bytes, or for other suffixes that packages have
    """
    if path.suffix in UNREADABLE:
        raise ImageError(
            f"{path.name} cannot be read here: it is compressed as {path.suffix}",
            hint="its content is needed before a program for that is there; have it compressed"
            " as .zst",
        )
    try:
        with path.open("rb") as stream:
            yield decompressed(stream, path.suffix, limit=limit)
    except TooLargeError as error:
        raise ImageError(f"{path.name} {error}", hint=OTHER_MIRROR) from error
    except DAMAGES as error:
        raise ImageError(
            f"{path.name} is damaged: {error}", hint=f"remove {path} and build again"
        ) from error


@contextmanager
def recognized(source: Path | IO[bytes] | bytes, *, limit: int) -> Iterator[IO[bytes]]:
    """Yield what a file holds, decompressed as its first bytes tell.

    :raises ValueError: out of the block, when it is damaged, or holds more than ``limit`` bytes
    """
    try:
        with ExitStack() as stack:
            if isinstance(source, Path):
                stream: IO[bytes] = stack.enter_context(source.open("rb"))
            else:
                stream = io.BytesIO(source) if isinstance(source, bytes) else source
            start = stream.read(LONGEST_MAGIC)
            stream.seek(0)
            yield decompressed(stream, suffix_of(start), limit=limit)
    except DAMAGES as error:
        raise ValueError(str(error)) from error


def decompressed(stream: IO[bytes], suffix: str, *, limit: int | None = None) -> IO[bytes]:
    """What ``stream`` holds, as the suffix of its name tells.

    Reading it raises `TooLargeError` after ``limit`` bytes, and other errors for damage.
    """
    decoder = DECODERS.get(suffix)
    if decoder is None and limit is None:
        return stream
    return io.BufferedReader(_Reader(stream, decoder, limit), _BUFFER)


class Decoder(Protocol):
    """Undoes one stream of those that may follow one another in a file."""

    @property
    def eof(self) -> bool:
        """Whether the stream has come to its end."""

    @property
    def unused_data(self) -> bytes:
        """What was given of what follows it."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes without more input."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Some more of what was compressed, about ``max_length`` bytes of it at most."""


class _Wrapped:
    """What is the same of every library's object, whatever its ``decompress``."""

    def __init__(self, decoder: Any) -> None:
        self._object = decoder

    @property
    def eof(self) -> bool:
        return bool(self._object.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._object.unused_data)


class _Zlib(_Wrapped):
    """zlib's with the interface that bz2 and lzma have."""

    def __init__(self) -> None:
        super().__init__(zlib.decompressobj(wbits=31))
        self.needs_input = True

    def decompress(self, data: bytes, max_length: int) -> bytes:
        content: bytes = self._object.decompress(self._object.unconsumed_tail + data, max_length)
        # What is full may hold more without any further input.
        self.needs_input = not self._object.unconsumed_tail and len(content) < max_length
        return content


class _Zstd(_Wrapped):
    """zstandard's, which returns at once all that its input holds, so that it gets a few blocks."""

    def __init__(self) -> None:
        frame = zstandard.ZstdDecompressor(max_window_size=limits.WINDOW)
        super().__init__(frame.decompressobj())
        self._blocks = Blocks()
        self._ahead = b""
        self.needs_input = True

    @property
    def unused_data(self) -> bytes:
        return super().unused_data + self._ahead

    def decompress(self, data: bytes, max_length: int) -> bytes:
        data = self._ahead + data
        end, self.needs_input = self._blocks.follow(data, max_length)
        self._ahead = data[end:]
        content = bytes(self._object.decompress(data[:end]))
        if not (end or self.needs_input or self.eof):
            raise EOFError("it is not a zstd frame")
        return content


class _Bz2(_Wrapped):
    """bz2's; its damage, a plain OSError, must not be taken for one of the system."""

    def __init__(self) -> None:
        super().__init__(bz2.BZ2Decompressor())

    @property
    def needs_input(self) -> bool:
        return bool(self._object.needs_input)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        try:
            return bytes(self._object.decompress(data, max_length))
        except OSError as error:
            raise EOFError(str(error)) from error


def _xz() -> Decoder:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=limits.XZ_MEMORY)


DECODERS: dict[str, Callable[[], Decoder]] = {
    ".zst": _Zstd,
    ".xz": _xz,
    ".gz": _Zlib,
    ".bz2": _Bz2,
    ".lz4": Lz4Frame,
}
"""What undoes one stream, by the suffix of a file's name."""


class _Reader(io.RawIOBase):
    """Decompresses streams that follow one another, to the last of which there must be an end."""

    def __init__(
        self, stream: IO[bytes], decoder: Callable[[], Decoder] | None, limit: int | None
    ) -> None:
        self.stream = stream
        self.make = decoder
        self.decoder = decoder() if decoder else None
        self.limit = limit
        self.inside = False
        self.streams = 1
        self.total = 0
        self.ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self.ready:
            content = self._more()
            if content is None:
                return 0
            self.total += len(content)
            if self.limit is not None and self.total > self.limit:
                raise TooLargeError(f"holds more than {self.limit >> 20} MiB")
            self.ready = memoryview(content)
        size = min(len(buffer), len(self.ready))
        buffer[:size] = self.ready[:size]
        self.ready = self.ready[size:]
        return size

    def _more(self) -> bytes | None:
        """What comes next, perhaps nothing yet; None at the end."""
        if self.decoder is None or self.make is None:
            return self.stream.read(_INPUT) or None
        chunk = b""
        if self.decoder.eof:
            chunk = self._left(self.decoder.unused_data)
            if not chunk:
                return None
            self._begin()
        elif self.decoder.needs_input:
            chunk = self.stream.read(_INPUT)
            if not chunk:
                if self.inside:
                    raise EOFError("it is cut off")
                return None
        self.inside = True
        content = self.decoder.decompress(chunk, _BUFFER)
        if self.decoder.eof:
            self.inside = False
        return content

    def _begin(self) -> None:
        self.streams += 1
        if self.streams > limits.STREAMS:
            raise TooLargeError(f"has more than {limits.STREAMS} streams")
        if self.make:
            self.decoder = self.make()

    def _left(self, chunk: bytes) -> bytes:
        """What follows a stream, without the zeros that tape drives, and xz, pad it with."""
        while True:
            chunk = chunk.lstrip(b"\0")
            if chunk:
                return chunk
            chunk = self.stream.read(_INPUT)
            if not chunk:
                return b""


_ZSTD_THREAD = 48 << 20


def zstd_argv(tools: Toolbox, level: int) -> list[str]:
    """zstd(1) from standard input to standard output.

    Any number of threads makes one stream; only ``--single-thread`` makes another.
    """
    threads = count_threads(tools, _ZSTD_THREAD, least=1)
    return ["zstd", "-q", f"-{level}", "--check", f"-T{threads}", "-c"]


def count_threads(tools: Toolbox, memory_each: int, *, least: int) -> int:
    """One for each core, as far as half of the free memory lasts."""
    return max(min(tools.cores, memory.available() // 2 // tools.jobs // memory_each), least)
