"""Images and cards of a few MiB, and what comes of writing one to the other."""

import os
from pathlib import Path

import pytest

from aimager.commands.flash.source import open_image
from aimager.commands.flash.target import open_file
from aimager.commands.flash.write import write_image
from aimager.errors import AimagerError
from aimager.image.bmap import bmap_text
from aimager.model.layout import Extent

MIB = 1 << 20
SIZE = 24 * MIB + 512
MAPPED = (Extent(0, MIB), Extent(3 * MIB, 7 * MIB), Extent(20 * MIB, 5), Extent(SIZE - 9, 9))
OLD = b"\xa5"


def make_image(folder: Path) -> Path:
    """An image whose free parts hold zeros, with its block map."""
    path = folder / "disk.img"
    with path.open("wb") as stream:
        stream.truncate(SIZE)
        for extent in MAPPED:
            stream.seek(extent.start)
            stream.write(os.urandom(extent.size))
    path.with_name("disk.img.bmap").write_text(bmap_text(path, MAPPED))
    return path


def make_card(folder: Path) -> Path:
    """What held something else, and is larger than the image."""
    path = folder / "card"
    path.write_bytes(OLD * (SIZE + 8 * MIB))
    return path


def flash(image: Path, card: Path) -> None:
    """Write an image to a file in a card's place."""
    with (
        open_image(image) as source,
        open_file(card, image_size=source.size, total=source.total) as target,
    ):
        write_image(source, target)


def refusal(image: Path, card: Path) -> str:
    """What is said where that is refused, in a sentence with a hint."""
    with pytest.raises(AimagerError) as caught:
        flash(image, card)
    assert caught.value.hint
    return caught.value.message
