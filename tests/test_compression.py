"""Compressed streams are read whole, in all their frames, and damage is noticed."""

from pathlib import Path

import pytest
import zstandard

from aimager.compression import opened
from aimager.errors import ImageError


def test_zstd_frames_follow_one_another(tmp_path: Path) -> None:
    path = tmp_path / "a.zst"
    parts = [b"one" * 100_000, b"", b"two" * 100_000]
    path.write_bytes(b"".join(zstandard.compress(part) for part in parts))
    with opened(path) as stream:
        assert stream.read() == b"".join(parts)


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.zst"
    whole = bytearray(zstandard.ZstdCompressor(write_checksum=True).compress(b"content" * 1000))
    whole[-1] ^= 1
    path.write_bytes(whole)
    with pytest.raises(ImageError, match=r"a\.zst is damaged"), opened(path) as stream:
        stream.read()


def test_other_suffixes_are_plain(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(b"plain")
    with opened(path) as stream:
        assert stream.read() == b"plain"
