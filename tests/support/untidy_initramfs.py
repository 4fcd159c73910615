"""Initramfs images as their makers leave them: in any order, of any times, however compressed."""

import bz2
import gzip
import lzma
import random
import struct
from collections.abc import Callable, Sequence

import zstandard

Made = tuple[str, int, bytes, int, int]
"""A name, a mode, data, an inode and links."""

FILES: tuple[Made, ...] = (
    (".", 0o40755, b"", 1, 3),
    ("init", 0o100755, b"#!/bin/sh\n", 2, 1),
    ("usr", 0o40755, b"", 3, 3),
    ("usr-", 0o100644, b"after usr, before what is in it", 4, 1),
    ("usr/bin", 0o120777, b"lib", 5, 1),
    ("usr/lib", 0o40755, b"", 6, 2),
    ("usr/lib/a", 0o100644, b"", 7, 2),
    ("usr/lib/b", 0o100644, b"one file of two names", 7, 2),
    ("usr/lib/c", 0o100600, b"x" * 70000, 8, 1),
    ("usr/lib/null", 0o20666, b"", 9, 1),
)


def write(members: Sequence[Made], time: int = 0, magic: bytes = b"070701") -> bytes:
    archive = b""
    for name, mode, data, inode, links in (*members, ("TRAILER!!!", 0, b"", 0, 1)):
        text = name.encode() + b"\0"
        device = (1, 3) if mode & 0o170000 == 0o20000 else (0, 0)
        values = (inode, mode, 0, 0, links, time, len(data), 8, 1, *device, len(text), 0)
        header = magic + b"".join(b"%08X" % value for value in values) + text
        for piece in (header, data):
            archive += piece + bytes(-len(piece) % 4)
    return archive + bytes(-len(archive) % 512)


def untidy(seed: int, members: Sequence[Made] = FILES) -> bytes:
    """The same in another order, of other times and inodes; parents before what is in them."""
    chance = random.Random(seed)
    numbers = dict(zip(range(1, 100), chance.sample(range(1000, 9000), 99), strict=True))
    pool = [(name, mode, data, numbers[inode], links) for name, mode, data, inode, links in members]
    chance.shuffle(pool)
    pool.sort(key=lambda made: made[0].count("/") if made[0] != "." else -1)
    return write(pool, time=1_700_000_000 + seed)


def lz4(data: bytes) -> bytes:
    """Blocks that hold literals, and the run of x as a match that overlaps itself."""
    packed = struct.pack("<I", 0x184C2102)
    start, run, end = data.partition(b"x" * 70000)
    assert run

    def lengths(size: int) -> bytes:
        return b"\xff" * ((size - 15) // 255) + bytes([(size - 15) % 255])

    literals = start + b"x"
    block = bytes([0xFF]) + lengths(len(literals)) + literals
    block += struct.pack("<H", 1) + lengths(70000 - 1 - 4)
    block += bytes([0xF0]) + lengths(len(end)) + end
    return packed + struct.pack("<I", len(block)) + block


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "cat": bytes,
    "gzip": gzip.compress,
    "xz": lambda data: lzma.compress(data, check=lzma.CHECK_CRC32),
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    "bzip2": bz2.compress,
    "zstd": lambda data: zstandard.compress(data, 3),
    "lz4": lz4,
}
