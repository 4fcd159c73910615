"""ext4 images hold their trees whole, pass fsck.ext4, are sparse and always the same."""

import os
import subprocess
from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.image.filesystem.ext4_size import ext4_size
from aimager.model.partition import GiB, MiB
from aimager.sandbox.namespace import call
from tests.support import trees
from tests.support.partition_images import PROGRAMS, ext4, small_tree


def superblock(image: Path) -> dict[str, str]:
    done = subprocess.run(
        ["dumpe2fs", "-h", image], capture_output=True, text=True, env=PROGRAMS, check=True
    )
    fields = (line.partition(":") for line in done.stdout.splitlines())
    return {name: value.strip() for name, _, value in fields}


def test_equal_trees_have_equal_ext4_images(tmp_path: Path) -> None:
    variant = trees.Variant(tmp_path / "work", 0o077, "Asia/Tokyo", reverse=True)
    sums = call(trees.make_ext4_twice, variant, work=variant.work)
    assert len(set(sums)) == 1, sums


@pytest.mark.parametrize("length", [1, 30, 3000])
def test_attributes_are_in_one_order(tmp_path: Path, length: int) -> None:
    """File systems list them as they like: this one perhaps in the order in which they were set."""
    names = ["user.c", "user.aaa", "user.b", os.fsdecode(b"user.z\xe9")]
    values = {name: os.fsencode(name)[-1:] * length for name in names}
    images = []
    for number, order in enumerate((names, sorted(names), names[::-1])):
        tree = small_tree(tmp_path / f"tree{number}")
        file = tree / "a file"
        file.write_text("")
        for name in order:
            try:
                os.setxattr(file, name, values[name] if name == "user.b" else b"x")
            except OSError as error:
                pytest.skip(f"no attributes can be set: {error.strerror}")
        images.append(ext4(tree, tmp_path / f"image{number}"))
        trees.check_ext4(images[-1])
    assert len({image.read_bytes() for image in images}) == 1
    listed = trees.debugfs(images[0], 'ea_list "a file"')
    assert all(name in listed for name in names[:3])


@pytest.mark.parametrize(
    "odd", ["user.\udcef", 'user.a "b', "user.#", "user.a\nwrite x y", "user.a\\"]
)
def test_attributes_with_odd_names(tmp_path: Path, odd: str) -> None:
    """What debugfs reads may be a command of its own; and the folder has a space."""
    (tmp_path / "a folder").mkdir()
    images = []
    for number, order in enumerate(((odd, "user.z"), ("user.z", odd))):
        tree = small_tree(tmp_path / f"tree{number}")
        (tree / "a file").write_text("")
        for name in order:
            try:
                os.setxattr(tree / "a file", name, b"value")
            except OSError as error:
                pytest.skip(f"no attributes can be set: {error.strerror}")
        image = tmp_path / "a folder" / f"image{number}"
        if "\n" in odd:
            with pytest.raises(ImageError, match=r"attribute user.a\\nwrite x y, which"):
                ext4(tree, image)
            return
        images.append(ext4(tree, image))
        trees.check_ext4(image)
    one, other = (image.read_bytes() for image in images)
    assert one == other
    assert odd.removeprefix("user.").encode(errors="surrogateescape") in one


def test_a_large_image_of_a_small_tree_takes_little_room(tmp_path: Path) -> None:
    image = ext4(small_tree(tmp_path / "tree", 100, 100_000), tmp_path / "image", 16 * GiB)
    assert image.stat().st_size == 16 * GiB
    assert image.stat().st_blocks * 512 < 10_000_000 + 16 * MiB
    trees.check_ext4(image)


def test_holes_and_names_with_spaces(tmp_path: Path) -> None:
    tree = small_tree(tmp_path / "tree")
    with (tree / 'a "hole" <8>').open("wb") as stream:
        stream.truncate(5 << 20)
    image = ext4(tree, tmp_path / "image")
    trees.check_ext4(image)
    assert "Blockcount: 0" in trees.debugfs(image, 'stat "a ""hole"" <8>"')


def test_an_image_can_grow(tmp_path: Path) -> None:
    image = ext4(small_tree(tmp_path / "tree"), tmp_path / "image")
    spare = int(superblock(image)["Reserved GDT blocks"])
    with image.open("r+b") as stream:
        stream.truncate(64 * ext4_size(tmp_path / "tree"))
    subprocess.run(["resize2fs", image], capture_output=True, env=PROGRAMS, check=True)
    trees.check_ext4(image)
    grown = superblock(image)
    assert "resize_inode" in grown["Filesystem features"]
    assert "meta_bg" not in grown["Filesystem features"]
    assert 0 < int(grown["Reserved GDT blocks"]) <= spare


def test_boot_loaders_know_the_features(tmp_path: Path) -> None:
    found = superblock(ext4(small_tree(tmp_path / "tree"), tmp_path / "image"))
    features = set(found["Filesystem features"].split())
    assert {"has_journal", "extent", "metadata_csum", "64bit", "resize_inode"} <= features
    assert not {"orphan_file", "metadata_csum_seed", "casefold"} & features
    assert found["Filesystem UUID"] == trees.UUID
    assert found["Filesystem volume name"] == "root"
    assert found["Default mount options"] == "user_xattr acl"
