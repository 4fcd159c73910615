"""Compressed files as streams; a cut-off or damaged one is always noticed and named."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, cast

import zstandard

from aimager import memory
from aimager.errors import ImageError
from aimager.toolbox import Toolbox

_BUFFER = 1 << 20
_ZSTD_INPUT = 1 << 13

_DAMAGES = (zstandard.ZstdError, lzma.LZMAError, zlib.error, gzip.BadGzipFile, EOFError)
_UNREADABLE = (".lz4", ".lz", ".lzo", ".lrz", ".Z")
"""Compressions that makepkg knows, and Python cannot undo."""


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Yield what ``path`` holds, decompressed as its suffix tells: .zst, .xz, .gz, .bz2 or none.

    :raises ImageError: out of the block, when reading in it meets damage, or for other suffixes
        that packages have
    """
    if path.suffix in _UNREADABLE:
        raise ImageError(
            f"{path.name} cannot be read here: it is compressed as {path.suffix}",
            hint="its content is needed before a program for that is there; have it compressed"
            " as .zst",
        )
    try:
        with ExitStack() as stack:
            stream = stack.enter_context(path.open("rb"))
            match path.suffix:
                case ".zst":
                    reader = io.BufferedReader(_ZstdReader(stream), _BUFFER)
                    yield stack.enter_context(reader)
                case ".xz":
                    yield stack.enter_context(lzma.open(stream))
                case ".gz":
                    yield cast(IO[bytes], stack.enter_context(gzip.open(stream)))
                case ".bz2":
                    yield stack.enter_context(_Bz2Stream(stream))
                case _:
                    yield stream
    except _DAMAGES as error:
        raise ImageError(
            f"{path.name} is damaged: {error}", hint=f"remove {path} and build again"
        ) from error


class _Bz2Stream(bz2.BZ2File):
    """Tells damage, which is a plain OSError there, from an OSError of the system."""

    def read(self, size: int | None = -1) -> bytes:
        try:
            return super().read(size)
        except OSError as error:
            if error.errno is None:
                raise EOFError(str(error)) from error
            raise


class _ZstdReader(io.RawIOBase):
    """Decompress zstd frames; zstandard's own reader takes a cut-off one as complete."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.frame = zstandard.ZstdDecompressor().decompressobj()
        self.inside = False
        self.ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self.ready:
            chunk = b""
            if self.frame.eof:
                chunk = self.frame.unused_data
                self.frame = zstandard.ZstdDecompressor().decompressobj()
                self.inside = False
            # Little at once, for 4 bytes of zstd may become 128 KiB.
            chunk = chunk or self.stream.read(_ZSTD_INPUT)
            if not chunk:
                if self.inside:
                    raise EOFError("it is cut off")
                return 0
            self.inside = True
            self.ready = memoryview(self.frame.decompress(chunk))
        size = min(len(buffer), len(self.ready))
        buffer[:size] = self.ready[:size]
        self.ready = self.ready[size:]
        return size


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
