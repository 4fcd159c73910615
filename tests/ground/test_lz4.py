"""LZ4 frames are read as lz4(1) writes them, and damage is noticed."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest

from aimager.compression import TooLargeError, decompressed, opened, recognized
from aimager.errors import ImageError
from aimager.lz4 import MAGIC, Lz4Frame
from aimager.lz4_legacy import Lz4Legacy
from tests.support.lz4_frames import CONTENT, REAL, stored


@pytest.mark.parametrize("kind", REAL)
def test_what_lz4_made_is_undone(tmp_path: Path, kind: str) -> None:
    with recognized(REAL[kind], limit=1 << 20) as stream:
        assert stream.read() == CONTENT
    path = tmp_path / "a.tar.lz4"
    path.write_bytes(REAL[kind] * 2)
    with opened(path) as stream:
        assert stream.read() == CONTENT * 2


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_it_may_come_in_any_pieces(step: int) -> None:
    frame = REAL["dependent blocks of 64 KiB, with checksums"]
    decoder, content = Lz4Frame(), b""
    for start in range(0, len(frame), step):
        content += decoder.decompress(frame[start : start + step], 1)
        while not decoder.needs_input and not decoder.eof:
            content += decoder.decompress(b"", 1)
    assert decoder.eof
    assert content == CONTENT


@pytest.mark.parametrize("kind", REAL)
def test_every_cut_is_noticed(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.lz4"
    for size in range(4, len(REAL[kind]), 97):
        path.write_bytes(REAL[kind][:size])
        with pytest.raises(ImageError, match=r"a\.lz4 is damaged"), opened(path) as stream:
            stream.read()


@pytest.mark.parametrize(
    "frame",
    [
        MAGIC + b"\x60\x30\0" + bytes(4),  # a block size that there is not
        MAGIC + b"\xa0\x40\0" + bytes(4),  # another version
        MAGIC + b"\x60\x40\x82\xff\xff\xff\x7f",  # a block larger than the largest
        MAGIC + b"\x60\x40\x82\x03\0\0\0\x00\x01\0" + bytes(4),  # repeats what is not there
        MAGIC + b"\x60\x40\x82\x03\0\0\0\x10a\0" + bytes(4),  # ends within a repetition
        MAGIC + b"\x60\x40\x82\x02\0\0\0\xf0a" + bytes(4),  # literals that are not there
    ],
)
def test_damage_is_noticed(frame: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"), recognized(frame, limit=1 << 20) as stream:
        stream.read()


def test_more_than_is_taken_is_refused() -> None:
    bomb = b"\x1fa\x01\0" + b"\xff" * 250 + b"\0\x50aaaaa"  # 64 KiB of one letter
    size = len(bomb).to_bytes(4, "little")
    frame = MAGIC + b"\x60\x40\x82" + (size + bomb) * 1000 + bytes(4)
    with pytest.raises(TooLargeError):
        decompressed(io.BytesIO(frame), ".lz4", limit=1 << 20).read()


def literals(content: bytes) -> bytes:
    """A block in the legacy frame that repeats nothing."""
    more, last = divmod(len(content) - 15, 255)
    block = b"\xf0" + b"\xff" * more + bytes([last]) + content
    return b"\x02\x21\x4c\x18" + len(block).to_bytes(4, "little") + block


def test_a_block_of_the_legacy_frame_has_8_mib_at_most() -> None:
    content = bytes(8 << 20)
    assert Lz4Legacy().decompress(literals(content), 1) == content
    with pytest.raises(EOFError, match="a block of lz4 is damaged"):
        Lz4Legacy().decompress(literals(content + b"a"), 1)


@pytest.mark.skipif(not shutil.which("lz4"), reason="lz4 is missing")
@pytest.mark.parametrize("words", [["-1"], ["-9", "-B5"], ["-BD", "-BX"], ["--fast=5"]])
def test_what_this_machines_lz4_makes(words: list[str]) -> None:
    for content in (b"", b"a", CONTENT, bytes(range(256)) * 3000, stored(CONTENT)):
        done = subprocess.run(["lz4", *words, "-c"], input=content, capture_output=True, check=True)
        with recognized(done.stdout, limit=1 << 22) as stream:
            assert stream.read() == content
