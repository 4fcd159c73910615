"""What tells results from each other: any byte, and not what of them is holes."""

import os
from pathlib import Path

import pytest

from tests.support import cells
from tests.support.cells import copy_checkout, sums

MIB = 1 << 20
SIZE = 5 * MIB + 100


def write(folder: Path, pieces: dict[int, bytes], *, size: int = SIZE, sparse: bool = True) -> Path:
    """A result with ``pieces`` at their places, and zeros between them."""
    folder.mkdir()
    with (folder / "disk.img").open("wb") as stream:
        if not sparse:
            stream.write(bytes(size))
        stream.truncate(size)
        for place, content in pieces.items():
            os.pwrite(stream.fileno(), content, place)
    return folder


PIECES = {5: b"a", 3 * MIB - 1: b"bc", SIZE - 1: b"d"}


def test_holes_are_zeros(tmp_path: Path) -> None:
    sparse, full = write(tmp_path / "a", PIECES), write(tmp_path / "b", PIECES, sparse=False)
    assert sums(sparse) == sums(full)


@pytest.mark.parametrize(
    "pieces",
    [
        {},
        {**PIECES, 5: b"b"},
        {**PIECES, SIZE - 1: b"e"},
        {**PIECES, 4 * MIB: b"\x01"},
        {5 + MIB: b"a", 3 * MIB - 1: b"bc", SIZE - 1: b"d"},
    ],
)
def test_any_byte_counts(tmp_path: Path, pieces: dict[int, bytes]) -> None:
    assert sums(write(tmp_path / "a", PIECES)) != sums(write(tmp_path / "b", pieces))


def test_zeros_at_the_end_count(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a", {}), write(tmp_path / "b", {}, size=SIZE + 1)
    assert sums(one) != sums(other)


def test_a_copy_of_the_checkout_has_nothing_that_is_written_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("dodo.py", "aimager/x.py", "aimager/__pycache__/x.pyc", "cache/y"):
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).touch()
    monkeypatch.setattr(cells, "ROOT", tmp_path / "root")
    copy = copy_checkout(tmp_path / "copy")
    copied = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
    assert copied == {"dodo.py", "aimager/x.py"}
