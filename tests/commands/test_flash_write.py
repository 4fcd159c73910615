"""An image is written by its map, and refused where it is damaged."""

import bz2
import gzip
import lzma
import os
from pathlib import Path

import pytest
import zstandard

from aimager.commands.flash.block_map import read_block_map
from aimager.commands.flash.source import open_image
from aimager.commands.flash.target import EDGE, open_file
from aimager.commands.flash.write import write_image
from aimager.errors import ConfigError, ImageError
from aimager.image.bmap import bmap_text
from aimager.model.layout import Extent
from tests.support.flashing import MAPPED, MIB, OLD, SIZE, flash, make_card, make_image, refusal


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return make_image(tmp_path)


@pytest.fixture
def card(tmp_path: Path) -> Path:
    return make_card(tmp_path)


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
