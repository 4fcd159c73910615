"""An ext4 image that is given another id is the one that mke2fs makes with that id."""

from pathlib import Path

import pytest

from aimager.image.changed_image import ChangedImage
from aimager.image.filesystem.ext4 import make_ext4
from aimager.image.filesystem.ext4_ids import change_ids
from aimager.image.filesystem.ext4_layout import UnknownLayoutError
from aimager.model.layout import Extent
from aimager.model.partition import MiB
from tests.support import trees
from tests.support.changed_images import same, varied_tree, write_changed
from tests.support.partition_images import small_tree

OTHER = "a1b2c3d4-2222-4333-8444-0123456789ab"


def make(tree: Path, image: Path, uuid: str, *, size: int | None, arguments: str = "") -> Path:
    more, epoch = arguments.split(), trees.EPOCH
    make_ext4(
        trees.TOOLS, tree, image, size=size, uuid=uuid, label="root", epoch=epoch, arguments=more
    )
    return image


def changed_ids(image: Path, uuid: str, target: Path) -> Path:
    with image.open("rb") as stream:
        changed = ChangedImage(stream, Extent(0, image.stat().st_size))
        change_ids(changed, uuid)
        return write_changed(changed, target)


# 700 MiB has groups whose bitmaps are not written, and copies of the superblock.
@pytest.mark.parametrize("size", [None, 700 * MiB])
def test_is_made_so(tmp_path: Path, size: int | None) -> None:
    tree = varied_tree(tmp_path / "tree")
    one = make(tree, tmp_path / "one", trees.UUID, size=size)
    other = make(tree, tmp_path / "other", OTHER, size=size)
    changed = changed_ids(one, OTHER, tmp_path / "changed")
    assert same(changed, other)
    assert not same(one, other)
    again = changed_ids(changed, trees.UUID, tmp_path / "again")
    assert same(again, one)


@pytest.mark.parametrize("arguments", ["-O ^metadata_csum", "-O metadata_csum_seed", "-I 512"])
def test_another_kind_is_refused(tmp_path: Path, arguments: str) -> None:
    tree = small_tree(tmp_path / "tree")
    image = make(tree, tmp_path / "image", trees.UUID, size=None, arguments=arguments)
    with pytest.raises(UnknownLayoutError):
        changed_ids(image, OTHER, tmp_path / "changed")


def test_no_file_system_is_refused(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(bytes(MiB))
    with pytest.raises(UnknownLayoutError):
        changed_ids(tmp_path / "image", OTHER, tmp_path / "changed")
