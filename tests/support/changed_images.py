"""Images that were changed in memory, as files; and a tree with all that ext4 sums."""

import os
from collections.abc import Callable
from pathlib import Path

from aimager.files import copy_sparse, sha256
from aimager.image.changed_image import BLOCK, ChangedImage
from aimager.model.layout import Extent
from aimager.sandbox.tree import Tree
from aimager.sandbox.tree_changes import Changes, find_changes, look, look_again


def varied_tree(top: Path) -> Path:
    """Folders of several blocks, a file of many extents, long links, hard links, attributes."""
    many = top / "many"
    many.mkdir(parents=True)
    for number in range(300):
        (many / f"{number:060}").write_bytes(b"x" * (number * 37))
    with (top / "scattered").open("wb") as stream:
        for number in range(500):
            stream.seek(number * 4 * BLOCK)
            stream.write(b"z" * BLOCK)
    (top / "long").symlink_to("x" * 200)
    (top / "short").symlink_to("many")
    (top / "other name").hardlink_to(top / "scattered")
    os.setxattr(top / "many", "user.large", b"y" * 2000)
    os.setxattr(top / "scattered", "user.small", b"y")
    return top


def patched(
    tree: Path,
    plain: Path,
    change: Callable[[Path], object],
    patch: Callable[[ChangedImage, Changes], object],
    target: Path,
) -> Path:
    """``plain``, made of ``tree``, as ``patch`` leaves it after a ``change`` of the tree."""
    here = Tree(tree)
    before = look(here)
    change(tree)
    changes = find_changes(here, look_again(here, before))
    with plain.open("rb") as stream:
        image = ChangedImage(stream, Extent(0, plain.stat().st_size))
        patch(image, changes)
        return write_changed(image, target)


def write_changed(changed: ChangedImage, path: Path) -> Path:
    """What ``changed`` holds as a file of its own."""
    copy_sparse(Path(changed.file.name), path)
    assert changed.extent.start == 0, "it is all of its file"
    with path.open("r+b") as stream:
        for number, block in changed.blocks.items():
            stream.seek(number * BLOCK)
            stream.write(block)
    return path


def same(one: Path, other: Path) -> bool:
    """Whether two images have the same bytes, of which many may be holes."""
    return sha256(one) == sha256(other)
