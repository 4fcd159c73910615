"""Compressed streams are read whole, in all their frames, and damage is noticed."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import zstandard

from aimager import memory
from aimager.compression import opened, zstd_argv
from aimager.errors import ImageError
from tests.support.lz4_frames import stored


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


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [
        (".zst", zstandard.ZstdCompressor(write_checksum=True).compress),
        (".xz", lzma.compress),
        (".gz", gzip.compress),
        (".bz2", bz2.compress),
        (".lz4", stored),
    ],
)
def test_a_stream_is_read_to_its_end_or_cut_off(
    tmp_path: Path, suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / f"a{suffix}"
    content = bytes(range(256)) * 20_000
    path.write_bytes(compress(content))
    with opened(path) as stream:
        assert stream.read() == content
        assert stream.read(1) == b""
    path.write_bytes(compress(content)[:-1])
    with (
        pytest.raises(ImageError, match=rf"a{suffix} is damaged") as caught,
        opened(path) as stream,
    ):
        stream.read()
    assert caught.value.hint == f"remove {path} and build again"


@pytest.mark.parametrize(
    ("cores", "jobs", "free", "threads"),
    [(4, 1, 1 << 40, 4), (4, 2, 12 * (48 << 20), 3), (4, 1, 6 * (48 << 20) - 2, 2), (4, 1, 0, 1)],
)
def test_zstd_has_a_thread_for_each_core_and_memory_for_each(
    monkeypatch: pytest.MonkeyPatch, cores: int, jobs: int, free: int, threads: int
) -> None:
    monkeypatch.setattr(memory, "available", lambda: free)
    tools: Any = SimpleNamespace(cores=cores, jobs=jobs)
    assert zstd_argv(tools, 7) == ["zstd", "-q", "-7", "--check", f"-T{threads}", "-c"]


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
        pytest.raises(ImageError, match=r"a\.tar\.lz cannot be read here"),
        opened(tmp_path / "a.tar.lz"),
    ):
        pass
