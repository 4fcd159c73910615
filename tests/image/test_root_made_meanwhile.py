"""A root that is made in its place on the disk while all else of that is done."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import MagicMock

import pytest

from aimager.errors import ImageError
from aimager.image import plain_images
from aimager.image.disk_in_place import BegunDisk
from aimager.image.make_images import Images
from aimager.model.partition import MiB, Role
from aimager.model.product import Product
from aimager.sandbox.tree import Tree
from tests.image.test_disk_in_place import TABLES, Making, Told, begin_of, making


@contextmanager
def seen_as_it_is(images: Images, tree: Tree, *__: object) -> Iterator[dict[Role, Path]]:
    """As `_seen_apart` has it, without a mount: the tree as it was, where the root has all."""
    subprocess.run(["cp", "-a", tree.path, images.work / "apart"], check=True)
    yield {Role.root: images.work / "apart"}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Making:
    """A system whose disk has a root alone, with much room before it."""
    monkeypatch.setattr(plain_images, "_seen_apart", seen_as_it_is)
    monkeypatch.setitem(TABLES, "alone", "label: gpt; aimager@root: start=42MiB")
    return making(tmp_path / "made", "alone", (Product.disk,))


def test_what_lies_before_a_root_is_summed_while_that_is_made(
    made: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.disk.touch()
    monkeypatch.setattr(os.path, "ismount", lambda path: path == made.disk)
    begun, told, make_root = Event(), Told(), BegunDisk.make_root

    def wait(*given: Any) -> None:
        assert begun.wait(60)
        make_root(*given)

    def advance(end: int) -> None:
        assert not begun.is_set() or end > 42 * MiB
        Told.advance(told, end)
        begun.set()

    monkeypatch.setattr(BegunDisk, "make_root", wait)
    monkeypatch.setattr(told, "advance", advance)
    made.patch(told, meanwhile=True)
    assert told.end > 42 * MiB
    assert told.sum == begin_of(made.disk, told.end)


def test_a_root_that_cannot_be_made_is_told_once(
    made: Making, monkeypatch: pytest.MonkeyPatch
) -> None:

    def fail(*_: object) -> None:
        raise ImageError("no room for the root", hint="x")

    monkeypatch.setattr(BegunDisk, "make_root", fail)
    with pytest.raises(ImageError, match="no room for the root"):
        made.patch(MagicMock(), meanwhile=True)
