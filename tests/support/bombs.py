"""Databases and packages that are small and become large, and what reading one takes."""

import bz2
import lzma
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

from tests.support.peak import CODE
from tests.support.places import ROOT

MIB = 1 << 20
_ZEROS = bytes(MIB)


@dataclass(frozen=True)
class Cost:
    """What a child process took: the most memory in MiB, seconds of CPU time, its last words."""

    memory: int
    seconds: float
    said: str


def measure(code: str, *arguments: object) -> Cost:
    """Run a script in a child, and measure it; no bomb may take all of this machine's memory."""
    argv = [sys.executable, "-c", f"{_LIMITED}{code}", *map(str, arguments)]
    child = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert child.stdout
    said = child.stdout.read().decode(errors="replace")
    child.wait()
    words, mark, took = said.rpartition(_MARK)
    assert mark, f"the child was killed: {said}"
    peak, seconds = took.split()
    return Cost(int(peak) // 1024, float(seconds), words)


_MARK = "the most KiB: "
_LIMITED = (
    "import atexit, os, resource\nresource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))\n"
    f"atexit.register(lambda: print('{_MARK}', {CODE}, ' ', sum(os.times()[:4]), sep=''))\n"
)


def zeros(count: int) -> Iterator[bytes]:
    """So many MiB."""
    for _ in range(count):
        yield _ZEROS


def header(name: bytes, size: int, kind: bytes = b"0", *, fields: bytes = b"") -> bytes:
    """A header of ustar, or, with ``fields``, what follows the link's name."""
    text = bytearray(512)
    text[: len(name[:100])] = name[:100]
    text[100:108], text[108:116], text[116:124] = b"0000644\0", b"0000000\0", b"0000000\0"
    number = b"%011o\0" % size if size < 1 << 33 else b"\x80" + size.to_bytes(11, "big")
    text[124:136], text[136:148], text[148:156] = number, b"00000000000\0", b" " * 8
    text[156:157] = kind
    text[257:265] = b"ustar\00000"
    if fields:
        text[257 : 257 + len(fields)] = fields
    text[148:156] = b"%06o\0 " % sum(text)
    return bytes(text)


def member(name: bytes, content: bytes, kind: bytes = b"0") -> bytes:
    """A member with its padding."""
    return header(name, len(content), kind) + content + bytes(-len(content) % 512)


def gzipped(path: Path, parts: Iterator[bytes]) -> Path:
    """A file of one gzip stream."""
    packer = zlib.compressobj(1, wbits=31)
    with path.open("wb") as stream:
        for part in parts:
            stream.write(packer.compress(part))
        stream.write(packer.flush())
    return path


def packed(path: Path, suffix: str, size: int, start: bytes) -> Path:
    """A file that unpacks to ``start`` and so many MiB of zeros."""
    if suffix == ".gz":
        return gzipped(path, _after(start, size))
    make: dict[str, Callable[[], Any]] = {
        ".bz2": bz2.BZ2Compressor,
        ".xz": lambda: lzma.LZMACompressor(preset=1),
        ".zst": lambda: zstandard.ZstdCompressor(level=3).compressobj(),
    }
    packer = make[suffix]()
    with path.open("wb") as stream:
        for part in _after(start, size):
            stream.write(packer.compress(part))
        stream.write(packer.flush())
    return path


def _after(start: bytes, size: int) -> Iterator[bytes]:
    yield start
    yield from zeros(size)
