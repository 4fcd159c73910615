"""The parts of an initramfs: plain archives, and streams that a kernel decompresses.

Linux goes from one to the next as init/initramfs.c has it (``unpack_to_rootfs``): a ``0`` at a
multiple of four begins an archive, zeros are passed over, and anything else is a compressed stream,
known by its first bytes (lib/decompress.c), that holds archives and zeros alone.
"""

import io
import lzma
from collections.abc import Callable
from typing import IO

from aimager import compression, limits
from aimager.compression_magics import MAGICS
from aimager.lz4 import Lz4Legacy

_AS_FILES = {".zst": "zstd", ".xz": "xz", ".gz": "gzip", ".bz2": "bzip2"}
"""What the kernel undoes as other programs do, by the suffix of a file's name."""

_METHODS: dict[bytes, str] = {
    **{m: _AS_FILES[suffix] for m, suffix in MAGICS.items() if suffix in _AS_FILES},
    b"\x5d\0\0": "lzma",
    b"\x02\x21\x4c\x18": "lz4",
}
ARCHIVE = b"0707"
"""How the header of each archive's member begins."""

_INPUT = 1 << 16
_OUTPUT = 1 << 20


class Source:
    """A stream that can be looked into ahead, whose ``place`` is how much of it was read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._ahead = b""
        self.place = 0

    def peek(self, size: int) -> bytes:
        """The next bytes, fewer only at the end; they stay to be read."""
        while len(self._ahead) < size:
            more = self._stream.read(max(size - len(self._ahead), _INPUT))
            if not more:
                break
            self._ahead += more
        return self._ahead[:size]

    def read(self, size: int) -> bytes:
        """The next bytes, fewer only at the end."""
        found = self.peek(size)
        self._ahead = self._ahead[len(found) :]
        self.place += len(found)
        return found

    def give_back(self, data: bytes) -> None:
        """Have ``data``, which was read last, read again."""
        self._ahead = data + self._ahead
        self.place -= len(data)

    def skip_zeros(self) -> None:
        """Pass over zeros."""
        while ahead := self.peek(_INPUT):
            left = ahead.lstrip(b"\0")
            self.read(len(ahead) - len(left))
            if left:
                return


def method_of(start: bytes) -> str:
    """What a stream that begins so is compressed by; empty: nothing known."""
    return next((name for magic, name in _METHODS.items() if start.startswith(magic)), "")


class Unpacked(io.RawIOBase):
    """What one compressed stream of ``source`` holds; what follows it is left there."""

    def __init__(self, source: Source, method: str, limit: int) -> None:
        self._source = source
        self._decoder = _DECODERS[method]()
        self._left = limit
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            if self._decoder.eof:
                return 0
            self._ready = self._more()
        found = self._ready[: len(buffer)]
        self._ready = self._ready[len(found) :]
        buffer[: len(found)] = found
        return len(found)

    def _more(self) -> bytes:
        chunk = self._source.read(_INPUT) if self._decoder.needs_input else b""
        if self._decoder.needs_input and not chunk:
            if isinstance(self._decoder, Lz4Legacy) and self._decoder.finish():
                return b""
            raise EOFError("it is cut off")
        content = self._decoder.decompress(chunk, _OUTPUT)
        self._left -= len(content)
        if self._left < 0:
            raise compression.TooLargeError("it holds more than is unpacked")
        if self._decoder.eof:
            self._source.give_back(self._decoder.unused_data)
        return content


def _lzma() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=limits.XZ_MEMORY)


_DECODERS: dict[str, Callable[[], compression.Decoder]] = {
    **{method: compression.DECODERS[suffix] for suffix, method in _AS_FILES.items()},
    "lzma": _lzma,
    "lz4": Lz4Legacy,
}
