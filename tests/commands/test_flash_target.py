"""A device that fails, vanishes or forgets is told of; what counts as written is on it."""

import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from aimager.commands.flash.block_map import read_block_map
from aimager.commands.flash.source import open_image
from aimager.commands.flash.target import EDGE, Target, open_disk, open_file
from aimager.commands.flash.write import read_back, write_image
from aimager.errors import HostError
from tests.support.flashing import MIB, SIZE, make_card, make_image, refusal


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return make_image(tmp_path)


@pytest.fixture
def card(tmp_path: Path) -> Path:
    return make_card(tmp_path)


class Failing:
    """Has os.pwrite fail after so many bytes, as a device does that vanishes."""

    def __init__(self, after: int, number: int) -> None:
        self.left, self.number, self.write = after, number, os.pwrite

    def __call__(self, writer: int, data: memoryview, at: int) -> int:
        count = self.write(writer, data[: 1 << 19], at)  # a call may write a part
        self.left -= count
        if self.left < 0:
            raise OSError(self.number, os.strerror(self.number))
        return count


@pytest.mark.parametrize(
    ("number", "is_there", "said"),
    [
        (errno.ENODEV, True, "card is gone: 16.8 MB of 25.2 MB were written"),
        (errno.EIO, False, "card is gone: 16.8 MB of 25.2 MB were written"),
        (errno.EIO, True, "cannot be written after 16.8 MB of 25.2 MB were written: Input/output"),
    ],
)
def test_a_device_that_vanishes(
    image: Path, card: Path, monkeypatch: pytest.MonkeyPatch, number: int, is_there: bool,
    said: str,
) -> None:  # fmt: skip
    image.with_name("disk.img.bmap").unlink()
    with (
        open_image(image) as source,
        open_file(card, image_size=source.size, total=source.total) as target,
        monkeypatch.context() as patched,
        pytest.raises(HostError) as caught,
    ):
        target.is_there = lambda: is_there
        patched.setattr(os, "pwrite", Failing(22 * MIB, number))
        write_image(source, target)
    assert said in str(caught.value)
    assert "what it held is lost" in caught.value.hint
    assert card.read_bytes()[:EDGE] == bytes(EDGE), "nothing starts from it"


def test_a_full_file_system_is_told_of(image: Path, card: Path) -> None:
    """As of a file, which may grow no further (SIGXFSZ: Python ignores that)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 * MIB, before[1]))
    try:
        said = refusal(image, card)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert f"{card} cannot be written after 0 B of 8.4 MB were written: File too large" in said


def test_what_a_card_does_not_keep_is_told_of(image: Path, card: Path) -> None:
    with (
        open_image(image) as source,
        open_file(card, image_size=source.size, total=source.total) as target,
    ):
        write_image(source, target)
        os.pwrite(target.writer, b"lost", 4 * MIB)
        pieces = read_block_map(image.with_name("disk.img.bmap")).pieces
        with pytest.raises(HostError, match=r"does not keep .*: between 3\.1 MB and 10\.5 MB it"):
            read_back(target, pieces)
        os.ftruncate(target.writer, 5 * MIB)
        with pytest.raises(HostError, match=r"card ends after 5\.2 MB"):
            read_back(target, pieces)


def test_a_disk_is_opened_for_one_alone(tmp_path: Path) -> None:
    gone = open_disk(tmp_path / "none", "8:0", total=1, node=tmp_path)
    with pytest.raises(HostError, match="cannot be opened: No such file"), gone:
        raise AssertionError("it was opened")
    (tmp_path / "file").touch()
    opened = open_disk(tmp_path / "file", "8:0", total=1, node=tmp_path)
    with pytest.raises(HostError, match="is another device by now"), opened:
        raise AssertionError("it was opened")


def test_a_disk_that_is_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> NoReturn:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(os, "open", busy)
    opened = open_disk(tmp_path, "8:0", total=1, node=tmp_path)
    with pytest.raises(HostError, match="is in use: it was mounted meanwhile"), opened:
        raise AssertionError("it was opened")


@pytest.fixture
def target(card: Path) -> Iterator[Target]:
    with open_file(card, image_size=SIZE, total=SIZE) as opened:
        yield opened


def test_how_far_it_is_is_told(target: Target) -> None:
    assert target.state == f"nothing was written to {target.path}"
    target.begin(SIZE)
    assert f"{target.path} is half written (0 B of 25.2 MB)" in target.state
    target.finish()
    assert target.state == f"{target.path} has all of the image, which was not read back to its end"


def test_nothing_counts_before_it_is_on_the_device(target: Target) -> None:
    target.begin(SIZE)
    target.write(bytes(MIB), 2 * MIB)
    assert (target.written, target.unsettled) == (0, MIB)
    target.write(bytes(15 * MIB), 3 * MIB)
    assert (target.written, target.unsettled) == (16 * MIB, 0)
