"""A tree that is removed may be as deep as whoever made it liked."""

import os
from pathlib import Path

import pytest

from aimager.sandbox.namespace import call
from aimager.trees import remove_folder
from tests.support import namespaced
from tests.support.namespaced import Place

DEPTH = 3000


def nest(folder: Path) -> None:
    """Folders in folders, deeper than Python calls itself and than a path is long."""
    folder.mkdir(parents=True)
    here = os.open(folder, os.O_RDONLY)
    for number in range(DEPTH):
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        os.mkdir("folder", dir_fd=here)
        if number == DEPTH // 2:
            os.symlink("/etc", "link", dir_fd=here)
        below = os.open("folder", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def test_a_deep_tree_is_removed(tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    nest(tmp_path / "tree")
    remove_folder(tmp_path / "tree")
    assert [path.name for path in tmp_path.iterdir()] == ["beside"]
    assert Path("/etc/passwd").exists()


def test_what_is_no_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept/inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    with pytest.raises(OSError):
        remove_folder(tmp_path / "link")
    assert (tmp_path / "kept/inner").is_dir()


def test_a_call_leaves_nothing_of_a_deep_tree(tmp_path: Path) -> None:
    work = tmp_path / "work"
    assert call(nest_in_work, Place(work), work=work) == DEPTH
    assert not work.exists()
    nest(work)  # as a killed build could have left it
    assert call(namespaced.echo, "x", work=work) == "x"
    assert not work.exists()


def nest_in_work(place: Place) -> int:
    """Make such a tree in a worker."""
    nest(place.path / "tree")
    return DEPTH
