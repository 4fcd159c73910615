"""Results are what was written, or none at all."""

import io
from pathlib import Path

import pytest

from aimager.sandbox.results import (
    RESULT,
    DamagedError,
    Results,
    decode_result,
    encode_result,
    read_results,
)

KEY, OTHER = "ab" * 32, "cd" * 32
FILES = {"modules.dep": b"a: b\n", "modules.dep.bin": bytes(range(256)), "empty": b""}


def test_files_come_back() -> None:
    assert decode_result(KEY, encode_result(KEY, FILES)) == FILES
    assert decode_result(KEY, encode_result(KEY, {})) == {}


@pytest.mark.parametrize("place", [0, 20, 90, 150, 160, -1])
def test_a_changed_byte_is_seen(place: int) -> None:
    data = bytearray(encode_result(KEY, FILES))
    data[place] ^= 1
    with pytest.raises(DamagedError):
        decode_result(KEY, bytes(data))


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"x"])
def test_its_length_is_seen(change: object) -> None:
    assert callable(change)
    with pytest.raises(DamagedError):
        decode_result(KEY, change(encode_result(KEY, FILES)))


@pytest.mark.parametrize("name", ["../dep", "", "..", "a/b"])
def test_no_name_leads_elsewhere(name: str) -> None:
    with pytest.raises(DamagedError):
        decode_result(KEY, encode_result(KEY, {name: b""}))


def test_another_key_is_another_result() -> None:
    with pytest.raises(DamagedError):
        decode_result(OTHER, encode_result(KEY, FILES))


def test_what_a_worker_tells_is_read(tmp_path: Path) -> None:
    (tmp_path / "kept" / OTHER).mkdir(parents=True)
    (tmp_path / "kept" / OTHER / RESULT).write_bytes(encode_result(OTHER, FILES))
    results = Results(tmp_path / "kept", tmp_path / "made")
    assert results.find(KEY) is None
    results.keep(KEY, FILES)
    assert results.find(OTHER) == FILES
    with (tmp_path / "made").open("rb") as stream:
        assert list(read_results(stream)) == [(KEY, encode_result(KEY, FILES)), (OTHER, b"")]


def test_a_damaged_one_is_not_found(tmp_path: Path) -> None:
    (tmp_path / KEY).mkdir()
    (tmp_path / KEY / RESULT).write_bytes(encode_result(KEY, FILES)[:-1])
    assert Results(tmp_path).find(KEY) is None


@pytest.mark.parametrize("data", [b"used\n", b"result x 1 y\n", encode_result(KEY, FILES)[:-1]])
def test_what_is_told_otherwise_is_refused(data: bytes) -> None:
    with pytest.raises(DamagedError):
        list(read_results(io.BytesIO(data)))
