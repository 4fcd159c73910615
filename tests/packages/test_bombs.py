"""What a mirror makes large costs no more than a sentence: little memory, and seconds."""

import gzip
import lzma
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aimager import limits
from tests.packages.test_sync_database import DESC, desc_text
from tests.support.bombs import MIB, gzipped, header, measure, member, packed, zeros

READ_DATABASE = """
import sys
from pathlib import Path
from aimager.errors import AimagerError
from aimager.packages.sync_database import read_database
try:
    found = read_database("core", Path(sys.argv[1]))
    print(len(found), "packages", list(found.faults.values())[:1])
except AimagerError as error:
    print(type(error).__name__, error)
"""
READ_PACKAGE = """
import sys
from pathlib import Path
from aimager.package_files import read_members
from aimager.errors import AimagerError
try:
    print(len(read_members(Path(sys.argv[1]), lambda name: name.startswith("usr/share/pacman"))))
except AimagerError as error:
    print(type(error).__name__, error)
"""
MOST_MEMORY = 300
"""MiB, of which Python and what is imported take 50."""
MUCH = 400
"""MiB that really come: more than may be held, and more than may be taken of memory."""
MOST_TIME = 60.0
"""Seconds of CPU time: all take a few."""

ENTRY = "zlib-1:1.3-1/desc"
Make = Callable[[Path], Path]


def pax(**words: str) -> bytes:
    """The content of a pax header."""
    records = b""
    for key, value in words.items():
        text = f" {key.replace('_', '.')}={value}\n".encode()
        length = len(text) + len(str(len(text)))
        length += len(str(length)) - len(str(len(text)))
        records += str(length).encode() + text
    return records


def skipped(suffix: str) -> Make:
    """A large member that nobody wants, in a small file."""

    def make(path: Path) -> Path:
        return packed(path, suffix, MUCH, header(b"zlib-1:1.3-1/files", MUCH * MIB))

    return make


def in_gzip(parts: Callable[[], Iterator[bytes]]) -> Make:
    """What the parts make, as a gzip stream."""
    return lambda path: gzipped(path, parts())


def many_members() -> Iterator[bytes]:
    for _ in range(limits.MEMBERS // 1024 + 1):
        yield header(b"x-1-1/", 0, b"5") * 1024


def large(kind: bytes, name: bytes) -> Callable[[], Iterator[bytes]]:
    """One member or header of 3 GiB, of which less comes."""

    def parts() -> Iterator[bytes]:
        yield header(name, 3 << 30, kind)
        yield from zeros(MUCH)

    return parts


def large_header_of_many_words() -> Iterator[bytes]:
    """A header within its limit that becomes many objects, again and again."""
    words = b"8 a=bbb\n" * (limits.TAR_HEADER // 8)
    for _ in range(500):
        yield member(b"h", words, b"x") + header(b"x-1-1/", 0, b"5")


def headers_in_a_row() -> Iterator[bytes]:
    for _ in range(100):
        yield member(b"h", b"8 a=bbb\n", b"x") * 1000


def digits() -> Iterator[bytes]:
    """What a pattern that goes back and forth would read again and again (CVE-2024-6232)."""
    for _ in range(500):
        yield member(b"h", b"1" * limits.TAR_HEADER, b"x")


def sparse_map() -> Iterator[bytes]:
    """The map of a sparse file, in GNU's version 1.0, that has no end."""
    said = pax(GNU_sparse_major="1", GNU_sparse_minor="0", GNU_sparse_name=ENTRY)
    yield member(b"h", said, b"x") + header(ENTRY.encode(), 200 * MIB)
    yield b"99999999\n" + b"0\n" * 100
    for _ in range(200):
        yield b"0\n" * (MIB // 2)


def old_sparse() -> Iterator[bytes]:
    yield header(ENTRY.encode(), 512, b"S") + bytes(512)


def long_name() -> Iterator[bytes]:
    yield member(b"././@LongLink", b"x" * MIB + b"\0", b"L") + member(b"x", b"")


def many_relations(kind: str) -> Callable[[], Iterator[bytes]]:
    """More dependencies than are taken, in entries that are taken each."""

    def parts() -> Iterator[bytes]:
        for number in range(20):
            depends = [f"d{n}" for n in range(100_000)]
            text = desc_text(NAME=[f"p{number}"], **{kind: depends})
            yield member(f"p{number}-{DESC['VERSION'][0]}/desc".encode(), text.encode())

    return parts


def blocks_of_four_bytes(path: Path) -> Path:
    """zstd's shortest way to say 128 KiB: 1 GiB in 32 KiB."""
    frame = b"\x28\xb5\x2f\xfd\0\x58"  # no size, a window of 2 MiB
    block = (128 << 10 << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    path.write_bytes(frame + block * 8192 + b"\1\0\0")
    return path


def large_window(path: Path) -> Path:
    """A zstd frame that may refer back to 2 GiB."""
    path.write_bytes(b"\x28\xb5\x2f\xfd\0" + bytes([21 << 3]) + b"\1\0\0")
    return path


def large_dictionary(path: Path) -> Path:
    """An xz stream that wants 1.5 GiB of memory."""
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 3 << 29, "mf": lzma.MF_HC3, "mode": 1}]
    small = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}]
    data = bytearray(lzma.compress(bytes(4096), lzma.FORMAT_XZ, lzma.CHECK_NONE, None, small))
    del filters
    # The block's header: its size, flags, the filter with its dictionary, padding, CRC32.
    data[16] = 39
    start, size = 12, (data[12] + 1) * 4
    data[start + size - 4 : start + size] = struct.pack(
        "<I", _crc(bytes(data[start : start + size - 4]))
    )
    path.write_bytes(data)
    return path


def _crc(data: bytes) -> int:
    import zlib

    return zlib.crc32(data)


def empty_streams(path: Path) -> Path:
    path.write_bytes(gzip.compress(b"") * 1_000_000)
    return path


def packed_twice(path: Path) -> Path:
    inner = gzipped(path.with_name("inner"), zeros(MUCH))
    path.write_bytes(gzip.compress(inner.read_bytes()))
    return path


DATABASES: dict[str, tuple[Make, str]] = {
    **{
        f"unwanted{s}": (skipped(s), "holds more than 256 MiB")
        for s in (".gz", ".xz", ".bz2", ".zst")
    },
    "members": (in_gzip(many_members), "more than 262144 members"),
    "large desc": (in_gzip(large(b"0", ENTRY.encode())), f"{ENTRY} has 3221225472 bytes"),
    "large header": (in_gzip(large(b"x", b"h")), "a header has 3221225472 bytes"),
    "large global header": (in_gzip(large(b"g", b"h")), "a header has 3221225472 bytes"),
    "large name": (in_gzip(large(b"L", b"h")), "a header has 3221225472 bytes"),
    "large link": (in_gzip(large(b"K", b"h")), "a header has 3221225472 bytes"),
    "words": (in_gzip(large_header_of_many_words), "headers have more than 8388608 bytes"),
    "headers in a row": (in_gzip(headers_in_a_row), "more than 8 headers for one member"),
    "digits": (in_gzip(digits), "a pax header is damaged"),
    "sparse": (in_gzip(sparse_map), "is a sparse member"),
    "old sparse": (in_gzip(old_sparse), "sparse member in GNU's old format"),
    "name of 1 MiB": (in_gzip(long_name), "a header has 1048577 bytes"),
    "depends": (in_gzip(many_relations("DEPENDS")), "more than 1048576 dependencies"),
    "provides": (in_gzip(many_relations("PROVIDES")), "more than 1048576 dependencies"),
    "zstd blocks": (blocks_of_four_bytes, "core.db is not a sync database"),
    "zstd window": (large_window, "memory"),
    "xz dictionary": (large_dictionary, "emory"),
    "empty streams": (empty_streams, "has more than 65536 streams"),
    "packed twice": (packed_twice, "core.db is not a sync database"),
    "after the end": (in_gzip(lambda: zeros(MUCH)), "holds more than 256 MiB"),
}


@pytest.mark.parametrize("bomb", DATABASES)
def test_a_database_that_grows_is_refused(tmp_path: Path, bomb: str) -> None:
    make, said = DATABASES[bomb]
    path = make(tmp_path / "core.db")
    assert path.stat().st_size < 30 * MIB
    cost = measure(READ_DATABASE, path)
    print(bomb, cost)
    assert said in cost.said
    assert "Traceback" not in cost.said
    assert cost.said.startswith(("DownloadError ", "0 packages"))
    assert cost.memory < MOST_MEMORY
    assert cost.seconds < MOST_TIME


KEYRING = b"usr/share/pacman/keyrings/archlinux.gpg"
PACKAGES: dict[str, tuple[Make, str]] = {
    "unwanted": (skipped(".zst"), "holds more than 64 MiB"),
    "keyring": (
        lambda path: packed(path, ".zst", MUCH, header(KEYRING, 5000 * MIB)),
        "has 5242880000 bytes, and not at most",
    ),
    "window": (large_window, "is damaged"),
    "blocks": (blocks_of_four_bytes, "holds more than 64 MiB"),
    "header": (
        lambda path: packed(path, ".zst", 100, header(b"h", 2 << 30, b"x")),
        "a header has 2147483648 bytes",
    ),
}


@pytest.mark.parametrize("bomb", PACKAGES)
def test_a_keyring_package_that_grows_is_refused(tmp_path: Path, bomb: str) -> None:
    """It is read before it is trusted: it holds the keys."""
    make, said = PACKAGES[bomb]
    cost = measure(READ_PACKAGE, make(tmp_path / "archlinux-keyring-1-1-any.pkg.tar.zst"))
    print(bomb, cost)
    assert cost.said.startswith("ImageError ")
    assert said in cost.said
    assert cost.memory < MOST_MEMORY
    assert cost.seconds < MOST_TIME
