"""Compressed streams are read whole, in all their frames, and damage is noticed."""

import bz2
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


def test_bzip2_streams_and_their_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.bz2"
    whole = bz2.compress(b"one" * 100_000) + bz2.compress(b"two")
    path.write_bytes(whole)
    with opened(path) as stream:
        assert stream.read() == b"one" * 100_000 + b"two"
    for damaged in (whole[:40], b"no" + whole[2:], whole[:20] + b"?" * 20 + whole[40:]):
        path.write_bytes(damaged)
        with pytest.raises(ImageError, match=r"a\.tar\.bz2 is damaged"), opened(path) as stream:
            stream.read()


def test_what_cannot_be_decompressed_says_so(tmp_path: Path) -> None:
    with (
        pytest.raises(ImageError, match=r"a\.tar\.lz4 cannot be read here"),
        opened(tmp_path / "a.tar.lz4"),
    ):
        pass
