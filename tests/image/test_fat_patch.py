"""A FAT image with changed files holds what one holds that is made of the changed tree."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.image.changed_image import ChangedImage
from aimager.image.filesystem.fat import make_fat
from aimager.image.filesystem.fat_patch import change_volume_id, patch_fat
from aimager.model.layout import Extent
from aimager.model.partition import MiB
from aimager.sandbox.tree import Tree
from aimager.sandbox.tree_changes import Changes
from tests.support import changed_images, trees
from tests.support.changed_images import same, write_changed
from tests.support.fat_reader import read_fat
from tests.support.node import Window
from tests.support.partition_images import boot_tree, check_fat, fat

SIZES = pytest.mark.parametrize("size", [8 * MiB, 35 * MiB, 40 * MiB], ids=["12", "16", "32"])


def held(image: Path) -> dict[str, tuple[dict[str, str], bytes]]:
    """What an image holds, but for where."""
    places = {"cluster", "clusters", "short", "size"}
    return {
        node.path: ({n: v for n, v in node.facts.items() if n not in places}, node.read())
        for node in read_fat(Window.whole(image))
    }


def patched(tree: Path, plain: Path, change: Callable[[Path], object], target: Path) -> Path:
    """``plain``, made of ``tree``, after ``change`` of the tree."""

    def patch(image: ChangedImage, changes: Changes) -> None:
        patch_fat(trees.TOOLS, image, changes, Tree(tree), target.parent, epoch=trees.EPOCH)

    return changed_images.patched(tree, plain, change, patch, target)


def configure(top: Path) -> None:
    (top / "loader/entries").mkdir(parents=True)
    (top / "loader/entries/linux.conf").write_text("title Linux\n")
    (top / "loader/a [name] with a blank.conf").write_text("timeout 3\n")
    (top / "EFI/BOOT/BOOTX64.EFI").write_bytes(b"loader" * 20000)
    (top / "EFI/systemd").mkdir()
    (top / "EFI/systemd/na\xefve.efi").write_bytes(b"loader" * 20000)
    (top / "vmlinuz-linux").write_text("another kernel, to which a link leads")


def remove(top: Path) -> None:
    shutil.rmtree(top / "overlays")
    (top / "Image").unlink()
    (top / "dtbs/broadcom/bcm2711-rpi-4-b.dtb").unlink()
    (top / "EFI/BOOT/BOOTX64.EFI").unlink()
    (top / "EFI/BOOT/BOOTX64.EFI").symlink_to("../../vmlinuz-linux")


@SIZES
@pytest.mark.parametrize("change", [configure, remove])
def test_holds_what_is_changed(tmp_path: Path, size: int, change: Callable[[Path], object]) -> None:
    tree = boot_tree(tmp_path / "tree")
    plain = fat(tree, tmp_path / "plain", size)
    image = patched(tree, plain, change, tmp_path / "image")
    check_fat(image)
    wanted, found = held(fat(tree, tmp_path / "made", size)), held(image)
    assert wanted.keys() == found.keys()
    for path, what in wanted.items():
        assert found[path] == what, path


def test_is_always_the_same(tmp_path: Path) -> None:
    images = []
    for name in ("one", "two"):
        tree = boot_tree(tmp_path / name, reverse=name == "two")
        plain = fat(tree, tmp_path / f"{name}.plain")
        images.append(patched(tree, plain, configure, tmp_path / f"{name}.img"))
    assert same(*images)


def test_making_one_leaves_the_links_of_a_tree(tmp_path: Path) -> None:
    tree = boot_tree(tmp_path / "tree")
    fat(tree, tmp_path / "image")
    assert (tree / "Image").is_symlink()


@SIZES
def test_another_serial_number(tmp_path: Path, size: int) -> None:
    tree = boot_tree(tmp_path / "tree")
    one = fat(tree, tmp_path / "one", size)
    other = tmp_path / "other"
    number, epoch = "89abcdef", trees.EPOCH
    make_fat(trees.TOOLS, tree, other, size=size, volume_id=number, label="boot", epoch=epoch)
    with one.open("rb") as stream:
        image = ChangedImage(stream, Extent(0, size))
        change_volume_id(image, number)
        assert same(write_changed(image, tmp_path / "changed"), other)


def test_no_room(tmp_path: Path) -> None:
    tree = boot_tree(tmp_path / "tree")
    plain = fat(tree, tmp_path / "plain", 8 * MiB)
    with pytest.raises(ImageError, match="the boot file system has"):
        patched(tree, plain, lambda t: (t / "big").write_bytes(bytes(9 * MiB)), tmp_path / "i")
