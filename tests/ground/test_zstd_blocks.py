"""A frame of zstd is followed to its end, some blocks at a time, however it comes in pieces."""

import io
import itertools
import random
import struct

import pytest
import zstandard

from aimager.compression import decompressed
from aimager.zstd_blocks import LARGEST_BLOCK, Blocks

TEXT = b"".join(b"%d\n" % number for number in range(200_000))
SKIPPED = struct.pack("<II", 0x184D2A53, 5) + b"aside"
CONTENTS = (b"", b"a", TEXT, bytes(3 * LARGEST_BLOCK + 1), random.Random(7).randbytes(300_000))


def frame(content: bytes, *, checksum: bool, size: bool, streamed: bool) -> bytes:
    """``content`` as one frame; a stream has a window where a whole one has a size."""
    made = zstandard.ZstdCompressor(write_checksum=checksum, write_content_size=size)
    if not streamed:
        return made.compress(content)
    stream = made.compressobj()
    return stream.compress(content) + stream.flush()


FRAMES = [
    (content, frame(content, checksum=checksum, size=size, streamed=streamed))
    for content in CONTENTS
    for checksum, size, streamed in itertools.product((False, True), repeat=3)
]


@pytest.mark.parametrize("piece", [1, 7, 1 << 16])
def test_a_frame_ends_where_it_does(piece: int) -> None:
    for _, data in FRAMES:
        blocks, coming = Blocks(), io.BytesIO(data + b"what is behind it")
        taken, ahead = 0, b""
        while True:
            end, needs_more = blocks.follow(ahead, 1)
            taken += end
            ahead = ahead[end:]
            if needs_more:
                ahead += coming.read(piece)
            elif not end:
                break
        assert taken == len(data)


def test_frames_follow_one_another() -> None:
    data = b"".join(SKIPPED + data for _, data in FRAMES)
    with decompressed(io.BytesIO(data + SKIPPED), ".zst") as stream:
        assert stream.read() == b"".join(content for content, _ in FRAMES)


@pytest.mark.parametrize("content", CONTENTS)
def test_a_frame_that_is_cut_off_is_told(content: bytes) -> None:
    data = frame(content, checksum=True, size=False, streamed=True)
    for end in {1, 4, 5, 6, 9, len(data) // 2, len(data) - 4, len(data) - 1} - {len(data)}:
        with pytest.raises(EOFError), decompressed(io.BytesIO(data[:end]), ".zst") as stream:
            stream.read()


def test_what_is_no_frame_is_told() -> None:
    for data in (b"none", b"none at all", b"\1\2\3", SKIPPED[:6]):
        with pytest.raises((EOFError, zstandard.ZstdError)):
            decompressed(io.BytesIO(data), ".zst").read()


def test_blocks_that_hold_much_come_one_after_another() -> None:
    """A block of four bytes may stand for 128 KiB: 64 KiB of them for two GiB."""
    block = (LARGEST_BLOCK << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    data = struct.pack("<IBB", 0xFD2FB528, 0, 0x38) + block * 10_000
    end, needs_more = Blocks().follow(data, 8 * LARGEST_BLOCK)
    assert (end, needs_more) == (6 + 8 * len(block), False)
    stream = decompressed(io.BytesIO(data), ".zst")
    assert stream.read(10 * LARGEST_BLOCK) == bytes(10 * LARGEST_BLOCK)


def test_blocks_that_hold_nothing_come_together() -> None:
    """Else a small file of them would take minutes."""
    empty = bytes(3)
    data = struct.pack("<IBB", 0xFD2FB528, 0, 0x38) + empty * 10_000
    assert Blocks().follow(data, 1) == (len(data), True)
    with pytest.raises(EOFError):
        decompressed(io.BytesIO(data), ".zst").read()
    assert decompressed(io.BytesIO(data + b"\1\0\0"), ".zst").read() == b""
