"""What a tree takes is counted from what it holds, and equal trees take the same."""

import os
import socket
from pathlib import Path

import pytest

from aimager.image.filesystem.usage import BLOCK, Usage, too_small, usage
from aimager.model.partition import MiB

LIMIT = 4 << 15
"""The most blocks of a file whose extents lie in its inode."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with nothing in it, which takes a block and an inode."""
    (tmp_path / "tree").mkdir()
    return tmp_path / "tree"


def sparse(path: Path, size: int) -> None:
    with path.open("wb") as stream:
        stream.truncate(size)


def test_of_an_empty_folder(tree: Path) -> None:
    assert usage(tree) == Usage(1, 1)
    (tree / "folder").mkdir()
    assert usage(tree) == Usage(2, 2)


@pytest.mark.parametrize(
    ("size", "blocks"),
    [
        *((0, 0), (1, 1), (BLOCK, 1), (BLOCK + 1, 2), (LIMIT * BLOCK, LIMIT)),
        *(((LIMIT + 1) * BLOCK, LIMIT + 1 + 5), (LIMIT * BLOCK * 2, LIMIT * 2 + 9)),
    ],
)
def test_of_a_file_with_holes_it_is_what_a_full_one_takes(
    tree: Path, size: int, blocks: int
) -> None:
    sparse(tree / "file", size)
    assert usage(tree) == Usage(1 + blocks, 2)


@pytest.mark.parametrize(("length", "blocks"), [(59, 0), (60, 1)])
def test_a_long_link_has_a_block(tree: Path, length: int, blocks: int) -> None:
    (tree / "link").symlink_to("x" * length)
    assert usage(tree) == Usage(1 + blocks, 2)


def test_a_hard_link_is_counted_once(tree: Path) -> None:
    for name in ("one", "two"):
        sparse(tree / name, 1)
        (tree / "folder").mkdir(exist_ok=True)
        (tree / "folder" / name).hardlink_to(tree / name)
    assert usage(tree) == Usage(2 + 2, 2 + 2)


def test_other_kinds_have_an_inode_alone(tree: Path) -> None:
    os.mkfifo(tree / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tree / "socket"))
    assert usage(tree) == Usage(1, 3)


@pytest.mark.parametrize(
    ("names", "length", "blocks"),
    # Of a folder's block 3820 bytes count. "." and ".." take 24, a name 8 and whole words.
    [(316, 4, 1), (317, 4, 2), (237, 5, 1), (238, 5, 2), (14, 255, 1), (15, 255, 2)],
)
def test_names_fill_the_blocks_of_a_folder(
    tree: Path, names: int, length: int, blocks: int
) -> None:
    for number in range(names):
        (tree / f"{number:0{length}}").symlink_to("x")
    assert usage(tree) == Usage(blocks, 1 + names)


@pytest.mark.parametrize(
    ("name", "blocks"), [("user.x", 1), ("trusted.x", 0)], ids=["copied", "left"]
)
def test_attributes_that_are_copied_have_a_block(tree: Path, name: str, blocks: int) -> None:
    sparse(tree / "file", 0)
    (tree / "folder").mkdir()
    for path in (tree / "file", tree / "folder"):
        try:
            os.setxattr(path, name, b"1")
        except OSError as error:
            pytest.skip(f"no {name} can be set: {error.strerror}")
    assert usage(tree) == Usage(2 + 2 * blocks, 3)


def test_too_little_is_told_in_whole_mebibytes() -> None:
    root = too_small("root", MiB, MiB + 1, 70 * MiB)
    assert root.message == "the root file system needs 2 MiB, but was given 1 MiB"
    assert root.hint == "give it more with root-size= or table=, such as 70 MiB, or leave that out"
    assert "root-size" not in too_small("home", MiB, MiB + 1, 70 * MiB).hint
