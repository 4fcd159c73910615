"""Which disk image of the cache another one may be written from, and what is kept of it."""

import os
from pathlib import Path

import pytest

from aimager.errors import ConfigError, ImageError
from aimager.image.undo import Undo, UndonePart, write_undo
from aimager.model.layout import Extent
from aimager.model.workshop import Workshop
from aimager.products.derivation import Derivation
from aimager.products.record import KeptFile, Record, write_record
from aimager.sandbox.answer import ChildFailed
from aimager.stages.former_disk import UNDO, Former, find_former, keep_undo, made_of

PLAIN, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "cache", tmp_path / "work", tmp_path / "pkg", tmp_path / "log")


def make_product(workshop: Workshop, id: str, plain: str, sha256: str = "0" * 64) -> Path:
    """A kept disk image, and what undoes it."""
    folder = workshop.cache / "product/pack-image/board" / id
    folder.mkdir(parents=True)
    image = folder / "disk.img"
    image.write_bytes(id.encode())
    status = image.stat()
    kept = KeptFile("disk.img", "0" * 64, status.st_size, status.st_mtime_ns)
    derivation = Derivation("pack-image", "PackImage", {}, {}, {})
    record = Record("pack-image", "board", id, False, derivation, {}, {}, {}, (kept,))
    write_record(record, folder)
    parts = {"root": UndonePart(Extent(0, 4096), (0,))}
    undo = Undo(plain, sha256, status.st_size, status.st_mtime_ns, parts)
    made = workshop.cache / UNDO
    write_undo(made, undo, {"root": {0: bytes(4096)}})
    keep_undo(workshop, plain, made)
    return image


def test_one_of_the_same_plain_images_is_found(workshop: Workshop) -> None:
    assert find_former(workshop, PLAIN) is None
    image = make_product(workshop, "one", PLAIN)
    make_product(workshop, "two", OTHER)
    found = find_former(workshop, PLAIN)
    assert found
    assert found.image == image
    read = found.read()
    assert read
    assert read.contents == {"root": {0: bytes(4096)}}


def test_one_that_was_written_to_is_not(workshop: Workshop) -> None:
    image = make_product(workshop, "one", PLAIN)
    image.write_bytes(b"two")
    os.utime(image, ns=(0, 0))
    assert find_former(workshop, PLAIN) is None


def test_another_image_of_that_time_is_not(workshop: Workshop) -> None:
    make_product(workshop, "one", PLAIN, sha256="1" * 64)
    assert find_former(workshop, PLAIN) is None


def test_a_damaged_undo_is_not(workshop: Workshop) -> None:
    make_product(workshop, "one", PLAIN)
    (undo,) = (workshop.cache / "undo").iterdir()
    undo.write_bytes(undo.read_bytes()[:-1])
    assert find_former(workshop, PLAIN) is None


def test_few_are_kept(workshop: Workshop) -> None:
    images = [make_product(workshop, f"number {number}", PLAIN) for number in range(9)]
    make_product(workshop, "two", OTHER)
    assert len(list((workshop.cache / "undo").glob(f"{PLAIN}.*"))) == 4
    found = find_former(workshop, PLAIN)
    assert found
    assert found.image in images[-4:]


def test_one_that_is_gone_is_not_read(workshop: Workshop) -> None:
    """Another run may have pruned it since it was found."""
    image = make_product(workshop, "one", PLAIN)
    former = find_former(workshop, PLAIN)
    assert former
    image.unlink()
    assert former.read() is None
    assert not former.is_intact()


def spoil(former: Former) -> None:
    former.image.write_bytes(b"what somebody wrote to it")


def test_what_was_made_of_one_that_was_written_to_is_made_anew(workshop: Workshop) -> None:
    make_product(workshop, "one", PLAIN)
    former = find_former(workshop, PLAIN)
    assert former
    assert made_of(former, lambda of: of) is former

    def make(of: Former | None) -> Former | None:
        if of:
            spoil(of)
        return of

    assert made_of(former, make) is None


@pytest.mark.parametrize("error", [ImageError("it cannot be read", hint="x"), ChildFailed("bug")])
def test_where_it_fails_with_one_it_is_made_anew(workshop: Workshop, error: Exception) -> None:
    """That says whether it fails without one, too."""
    make_product(workshop, "one", PLAIN)
    asked = list[Former | None]()

    def make(of: Former | None) -> str:
        asked.append(of)
        if of:
            raise error
        return "anew"

    assert made_of(find_former(workshop, PLAIN), make) == "anew"
    assert len(asked) == 2


def test_what_the_user_asks_for_in_vain_is_not_tried_twice(workshop: Workshop) -> None:
    make_product(workshop, "one", PLAIN)
    asked = list[Former | None]()

    def make(of: Former | None) -> str:
        asked.append(of)
        raise ConfigError("no such user", hint="x")

    with pytest.raises(ConfigError):
        made_of(find_former(workshop, PLAIN), make)
    assert len(asked) == 1
