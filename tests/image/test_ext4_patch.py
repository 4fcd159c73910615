"""An ext4 image with changed files holds what one holds that is made of the changed tree."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.image.changed_image import ChangedImage
from aimager.image.filesystem.ext4_patch import patch_ext4
from aimager.model.partition import MiB
from aimager.sandbox.tree_changes import Changes
from tests.support import changed_images, trees
from tests.support.changed_images import same, varied_tree
from tests.support.ext4_reader import read_ext4
from tests.support.node import Window
from tests.support.partition_images import ext4

_PLACES = {"inode", "blocks", "generation"}


def held(image: Path) -> dict[str, tuple[dict[str, str], bytes]]:
    """What an image holds: how large a folder is, and its top's time, is its maker's."""
    found = {}
    for node in read_ext4(Window.whole(image)):
        is_folder = node.facts["mode"].startswith("4")
        left_out = _PLACES | ({"size"} if is_folder else set())
        left_out |= {"mtime"} if node.path == "/" else set()
        facts = {name: value for name, value in node.facts.items() if name not in left_out}
        found[node.path] = facts, node.read()
    return found


def patched(tree: Path, plain: Path, change: Callable[[Path], object], target: Path) -> Path:
    """``plain``, made of ``tree``, after ``change`` of the tree."""

    def patch(image: ChangedImage, changes: Changes) -> None:
        patch_ext4(trees.TOOLS, image, changes, target.parent, label="root", epoch=trees.EPOCH)

    return changed_images.patched(tree, plain, change, patch, target)


def replace_files(top: Path) -> None:
    (top / "many" / f"{7:060}").write_text("same place, other content")
    (top / "many" / f"{8:060}").unlink()
    (top / "many" / f"{8:060}").write_bytes(os.urandom(3 * MiB))
    (top / "many" / f"{9:060}").chmod(0o4750)
    if os.geteuid() == 0:  # who else cannot give files away
        os.chown(top / "many" / f"{10:060}", 1000, 100000)


def remove_files(top: Path) -> None:
    (top / "scattered").unlink()
    (top / "long").unlink()
    for number in range(100, 200):
        (top / "many" / f"{number:060}").unlink()
    shutil.rmtree(top / "deep")


def add_files(top: Path) -> None:
    for number in range(400):  # beyond the blocks that their folder has
        (top / "few" / f"a rather long name, of which few fit in a block {number}").write_text("x")
    for number in range(200):
        (top / "few" / f"link {number}").symlink_to(f"target {number}" * (number % 9 + 1))
    (top / 'odd "name" #1').write_text("odd")
    (top / os.fsdecode(b"no utf-8 \xe9")).write_text("odd")
    (top / "new/folder/below").mkdir(parents=True)
    os.mkfifo(top / "new/pipe")
    os.setxattr(top / "new/folder", "user.one", b"1")
    (top / "new/file").write_bytes(b"z" * 70000)
    os.utime(top / "new/file", (5, 1234567890))
    os.setxattr(top / "new/file", "user.two", b"2" * 300)
    os.setxattr(top / "new/file", "user.one", b"1")


def link_files(top: Path) -> None:
    (top / "third name").hardlink_to(top / "scattered")
    (top / "one").write_text("several")
    for number in range(300):
        (top / "few" / f"another name of it, which is rather long {number}").hardlink_to(
            top / "one"
        )
    (top / "couple").unlink()


def change_kinds(top: Path) -> None:
    shutil.rmtree(top / "deep")
    (top / "deep").write_text("a file in place of a folder")
    (top / "short").unlink()
    (top / "short").mkdir()
    (top / "short/file").write_text("a folder in place of a link")
    (top / "many" / f"{1:060}").unlink()
    (top / "many" / f"{1:060}").symlink_to("a link in place of a file")
    os.setxattr(top / "many", "user.large", b"another")
    os.setxattr(top / "few", "user.first", b"one")
    (top / "few").chmod(0o700)


CHANGES = (replace_files, remove_files, add_files, link_files, change_kinds)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = varied_tree(tmp_path / "tree")
    (top / "deep/deeper/deepest").mkdir(parents=True)
    (top / "deep/deeper/file").write_text("x")
    (top / "few").mkdir()
    (top / "couple").write_text("two names")
    (top / "few/couple").hardlink_to(top / "couple")
    return top


@pytest.mark.parametrize("change", CHANGES)
def test_holds_what_is_changed(
    tree: Path, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    plain = ext4(tree, tmp_path / "plain", 128 * MiB)
    image = patched(tree, plain, change, tmp_path / "image")
    trees.check_ext4(image)
    wanted, found = held(ext4(tree, tmp_path / "made", 128 * MiB)), held(image)
    assert wanted.keys() == found.keys()
    for path, what in wanted.items():
        assert found[path] == what, path


def test_is_always_the_same(tree: Path, tmp_path: Path) -> None:
    plain = ext4(tree, tmp_path / "plain", 128 * MiB)
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy, symlinks=True)
    (copy / "other name").unlink()
    (copy / "other name").hardlink_to(copy / "scattered")
    one = patched(tree, plain, add_files, tmp_path / "one")
    assert same(one, patched(copy, plain, add_files, tmp_path / "two"))


def test_no_change_changes_nothing(tree: Path, tmp_path: Path) -> None:
    plain = ext4(tree, tmp_path / "plain", 128 * MiB)
    assert same(plain, patched(tree, plain, lambda top: None, tmp_path / "image"))


def test_no_room(tree: Path, tmp_path: Path) -> None:
    plain = ext4(tree, tmp_path / "plain", 64 * MiB)
    with pytest.raises(ImageError, match="the root file system has no room") as caught:
        patched(tree, plain, lambda t: (t / "big").write_bytes(b"x" * (80 * MiB)), tmp_path / "i")
    assert "root-size=" in caught.value.hint


@pytest.mark.parametrize("ending", ["\n", "\r"])
def test_a_line_end_in_the_midst_is_refused(tree: Path, tmp_path: Path, ending: str) -> None:
    plain = ext4(tree, tmp_path / "plain", 128 * MiB)
    with pytest.raises(ImageError, match="has a line break"):
        patched(tree, plain, lambda top: (top / f"a{ending}b").touch(), tmp_path / "image")


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text("other")])
def test_what_has_a_block_of_attributes_is_not_replaced(
    tree: Path, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    """debugfs would leave the block in use, and nobody's."""
    os.setxattr(tree / "deep/deeper/file", "user.large", b"y" * 2000)
    plain = ext4(tree, tmp_path / "plain", 128 * MiB)
    with pytest.raises(ImageError, match="attributes take a block of their own"):
        patched(tree, plain, lambda top: change(top / "deep/deeper/file"), tmp_path / "image")
