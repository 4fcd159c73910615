"""An image is written by its map, read back, and refused where it is damaged."""

import bz2
import errno
import gzip
import lzma
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import zstandard

from aimager.commands.flash.block_map import read_block_map
from aimager.commands.flash.source import open_image
from aimager.commands.flash.target import EDGE, Target, open_disk, open_file
from aimager.commands.flash.write import read_back, write_image
from aimager.errors import AimagerError, ConfigError, HostError, ImageError
from aimager.image.bmap import bmap_text
from aimager.model.layout import Extent

MIB = 1 << 20
SIZE = 24 * MIB + 512
MAPPED = (Extent(0, MIB), Extent(3 * MIB, 7 * MIB), Extent(20 * MIB, 5), Extent(SIZE - 9, 9))
OLD = b"\xa5"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An image whose free parts hold zeros, with its block map."""
    path = tmp_path / "disk.img"
    with path.open("wb") as stream:
        stream.truncate(SIZE)
        for extent in MAPPED:
            stream.seek(extent.start)
            stream.write(os.urandom(extent.size))
    path.with_name("disk.img.bmap").write_text(bmap_text(path, MAPPED))
    return path


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """What held something else, and is larger than the image."""
    path = tmp_path / "card"
    path.write_bytes(OLD * (SIZE + 8 * MIB))
    return path


def flash(image: Path, card: Path) -> None:
    with (
        open_image(image) as source,
        open_file(card, image_size=source.size, total=source.total) as target,
    ):
        write_image(source, target)


def refusal(image: Path, card: Path) -> str:
    with pytest.raises(AimagerError) as caught:
        flash(image, card)
    assert caught.value.hint
    return caught.value.message


def unmap(image: Path) -> None:
    image.with_name("disk.img.bmap").unlink()


def compress(image: Path, how: str) -> Path:
    data = image.read_bytes()
    made = {
        "zst": lambda: zstandard.compress(data),
        "xz": lambda: lzma.compress(data, preset=0),
        "gz": lambda: gzip.compress(data),
        "bz2": lambda: bz2.compress(data),
    }[how]()
    path = image.with_name(f"disk.img.{how}")
    path.write_bytes(made)
    return path


@pytest.mark.parametrize("how", ["plain", "zst", "xz", "gz", "bz2"])
def test_what_is_mapped_is_written_and_nothing_else(image: Path, card: Path, how: str) -> None:
    flash(image if how == "plain" else compress(image, how), card)
    written, wanted = card.read_bytes(), image.read_bytes()
    for extent in MAPPED:
        assert written[extent.start : extent.end] == wanted[extent.start : extent.end]
    assert written[MIB : 3 * MIB] == OLD * (2 * MIB)
    assert written[SIZE + 4096 : -EDGE] == OLD * (7 * MIB - 4096)
    assert written[-EDGE:] == bytes(EDGE), "what another table has left at the end is gone"


@pytest.mark.parametrize("how", ["plain", "zst", "xz"])
def test_without_a_map_all_is_written(image: Path, card: Path, how: str) -> None:
    unmap(image)
    flash(image if how == "plain" else compress(image, how), card)
    assert card.read_bytes()[:SIZE] == image.read_bytes()


def test_a_file_grows_to_the_size_of_the_image(image: Path, card: Path) -> None:
    card.write_bytes(b"")
    flash(image, card)
    assert card.read_bytes() == image.read_bytes()


def test_a_file_that_is_just_as_large_loses_nothing_of_the_image(image: Path, card: Path) -> None:
    os.truncate(card, SIZE)
    flash(image, card)
    assert card.read_bytes()[-9:] == image.read_bytes()[-9:]
    assert card.stat().st_size == SIZE


def test_an_image_that_was_changed_is_refused(image: Path, card: Path) -> None:
    with image.open("r+b") as stream:
        stream.seek(5 * MIB)
        stream.write(b"changed")
    said = refusal(image, card)
    assert f"is damaged, or was changed: its bytes {3 * MIB} to {10 * MIB - 1} are not" in said
    assert card.read_bytes()[:EDGE] == bytes(EDGE), "nothing starts from it"


def test_a_map_of_another_size_is_refused_before_anything_is_lost(image: Path, card: Path) -> None:
    before = card.read_bytes()
    os.truncate(image, SIZE + 512)
    assert f"holds {SIZE + 512} bytes, not the {SIZE} of its block map" in refusal(image, card)
    assert card.read_bytes() == before


@pytest.mark.parametrize(
    ("size", "said"), [(SIZE + 1, f"holds more than {SIZE} bytes"), (SIZE - 1, "holds ")]
)
def test_a_compressed_image_of_another_size(image: Path, card: Path, size: int, said: str) -> None:
    os.truncate(image, size)
    found = refusal(compress(image, "zst"), card)
    assert said in found
    assert f"not the {SIZE} of its block map" in found


@pytest.mark.parametrize("how", ["zst", "xz", "gz", "bz2"])
@pytest.mark.parametrize("is_mapped", [True, False])
def test_a_compressed_image_that_is_cut_off(
    image: Path, card: Path, how: str, is_mapped: bool
) -> None:
    before = card.read_bytes()
    path = compress(image, how)
    os.truncate(path, path.stat().st_size // 2)
    if not is_mapped:
        unmap(image)
    assert f"{path} is damaged: " in refusal(path, card)
    assert is_mapped or card.read_bytes() == before, "it is read once before anything is lost"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<Range", "<Range ", "its own checksum is another"),
        ("</bmap>", "", "no element found"),
        ('version="2.0"', 'version="1.3"', "it is of version 1.3, not 2.0"),
        ("sha256</", "sha1</", "its checksums are of the kind sha1, not sha256"),
        ("ChecksumType", "Type", "it has no ChecksumType"),
        ("bmap", "html", "it is of version 2.0"),
    ],
)
def test_a_map_that_cannot_be_used(image: Path, card: Path, old: str, new: str, said: str) -> None:
    path, before = image.with_name("disk.img.bmap"), card.read_bytes()
    path.write_text(path.read_text().replace(old, new))
    found = refusal(image, card)
    assert f"the block map {path} cannot be used: " in found
    assert said in found
    assert card.read_bytes() == before


def test_a_map_that_is_no_text(image: Path, card: Path) -> None:
    image.with_name("disk.img.bmap").write_bytes(b"\xff\x00")
    assert "cannot be used: " in refusal(image, card)


def test_a_map_whose_blocks_are_not_of_the_image(image: Path) -> None:
    path = image.with_name("disk.img.bmap")
    path.write_text(bmap_text(image, [Extent(SIZE + 4096, 1)]))
    with pytest.raises(ImageError, match="are out of order, or not of the image"):
        read_block_map(path)


@pytest.mark.parametrize(
    ("start", "said"),
    [(b"", "is empty"), (b"PK\3\4", "is compressed as .zip, which cannot be read here")],
)
def test_what_is_no_image(image: Path, card: Path, start: bytes, said: str) -> None:
    image.write_bytes(start)
    with pytest.raises(ConfigError, match=said):
        flash(image, card)


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
    unmap(image)
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


def test_an_image_that_cannot_be_read(image: Path, card: Path) -> None:
    with (
        open_image(image) as source,
        open_file(card, image_size=source.size, total=source.total) as target,
        pytest.raises(ImageError, match=r"disk\.img cannot be read: Is a directory"),
    ):
        folder = os.open(image.parent, os.O_RDONLY)
        os.dup2(folder, source.stream.fileno())
        os.close(folder)
        write_image(source, target)


def test_nothing_counts_before_it_is_on_the_device(target: Target) -> None:
    target.begin(SIZE)
    target.write(bytes(MIB), 2 * MIB)
    assert (target.written, target.unsettled) == (0, MIB)
    target.write(bytes(15 * MIB), 3 * MIB)
    assert (target.written, target.unsettled) == (16 * MIB, 0)
