"""Sums that are taken while files are written are those of the files."""

import hashlib
from pathlib import Path

import pytest

from tests.support.digests import Digests

MIB = 1 << 20


def test_the_sum_of_a_file_that_grows(tmp_path: Path) -> None:
    temporary, target = tmp_path / "temporary", tmp_path / "target"
    with temporary.open("wb") as stream:
        stream.truncate(20 * MIB)
    with Digests(1) as digests:
        with digests.following(temporary, target) as growing, temporary.open("r+b") as stream:
            stream.seek(3 * MIB + 5)
            stream.write(b"first")
            stream.flush()
            growing.advance(5 * MIB)
            stream.seek(10 * MIB)
            stream.write(b"last")
        temporary.rename(target)
        assert digests.of(target) == hashlib.sha256(target.read_bytes()).hexdigest()


def test_a_file_that_cannot_be_finished_is_let_go(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with (
        pytest.raises(ValueError, match="broken"),
        Digests(1) as digests,
        digests.following(tmp_path / "file", tmp_path / "target") as growing,
    ):
        growing.advance(1)
        raise ValueError("broken")
    with pytest.raises(ValueError, match="closed"):
        growing.finish()


def test_each_sum_is_taken_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with Digests(1) as digests:
        before = digests.of(path)
        path.write_bytes(b"after")
        digests.take(path)
        assert digests.of(path) == before == hashlib.sha256(b"before").hexdigest()
