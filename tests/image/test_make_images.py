"""A disk that starts as a copy of an image keeps that image's boot loader, however large a root
becomes."""

from pathlib import Path
from unittest.mock import MagicMock

import pytest

from aimager.errors import ConfigError
from aimager.image import make_images
from aimager.model.architecture import Architecture
from aimager.model.board import Boot
from aimager.model.image_ids import ImageIds
from aimager.model.partition import FileSystem, MiB, Role
from aimager.model.product import Product
from aimager.model.sfdisk_table import read_table
from aimager.sandbox.tree import Tree
from tests.support.trees import EPOCH, TOOLS

BASE = 16 * MiB


def make(folder: Path, monkeypatch: pytest.MonkeyPatch, label: str, loader: int, root: int) -> Path:
    """The disk with a root of ``root`` bytes, which nobody knows before it is made."""

    def make_part(*arguments: object, epoch: int) -> None:
        image = arguments[4]
        assert isinstance(image, Path)
        image.write_bytes(b"\1" * root)

    monkeypatch.setattr(make_images, "make_part", make_part)
    (folder / "tree").mkdir()
    base = folder / "base.img"
    with base.open("wb") as stream:
        stream.truncate(BASE)
        stream.seek(loader)
        stream.write(b"loader")
    table = read_table(f"label: {label}; aimager@root: start=1MiB")
    table = table.changed(Role.root, file_system=FileSystem.squashfs)
    images = make_images.Images(
        products=(Product.disk,),
        ids=ImageIds("seed", table),
        table=table,
        boot=Boot(),
        architecture=Architecture.aarch64,
        disk_from=base,
        out=folder,
        work=folder,
    )
    make_images.make_images(images, TOOLS, Tree(folder / "tree"), MagicMock(), epoch=EPOCH)
    return folder / Product.disk


@pytest.mark.parametrize(("root", "fits"), [(7 * MiB, True), (8 * MiB, False)])
def test_a_root_that_grew_onto_a_loader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: int, fits: bool
) -> None:
    if not fits:
        with pytest.raises(ConfigError, match="has a boot loader at byte 8388608, where"):
            make(tmp_path, monkeypatch, "dos", 8 * MiB, root)
        assert not (tmp_path / Product.disk).exists()
    else:
        disk = make(tmp_path, monkeypatch, "dos", 8 * MiB, root).read_bytes()
        assert len(disk) == BASE
        assert disk[8 * MiB :].startswith(b"loader")
        assert disk[MiB : 8 * MiB] == b"\1" * root


@pytest.mark.parametrize("label", ["gpt", "gpt; last-lba: 20479"])
def test_the_second_gpt_lies_behind_the_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, label: str
) -> None:
    disk = make(tmp_path, monkeypatch, label, BASE - 512, 7 * MiB).read_bytes()
    assert disk[BASE - 512 :].startswith(b"loader")
    assert disk[-512:].startswith(b"EFI PART")
    assert len(disk) == BASE + MiB
