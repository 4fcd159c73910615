"""Trees that are deeper than Python, paths and descriptors reach."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.files import tree_size
from aimager.trees import remove_below, remove_folder, walk_tree
from tests.support.nested import DEEP, nest
from tests.support.places import ROOT


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    nest(tmp_path)
    yield tmp_path
    remove_below(tmp_path)


def with_few_descriptors(code: str, folder: Path) -> list[str]:
    """The words that ``code`` prints in a process that may open few files; PATH is the folder."""
    few = f"""
import resource, sys
from pathlib import Path
from aimager.trees import remove_below, walk_tree
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
PATH = Path(sys.argv[1])
{code}
"""
    argv = [sys.executable, "-c", few, str(folder)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_all_is_found_however_deep(deep: Path) -> None:
    walk = 'for entry in walk_tree(PATH): print(f"{entry.name}:{entry.is_folder}")'
    found = with_few_descriptors(walk, deep)
    assert sorted(found) == ["d:True"] * DEEP + ["file:False"] * DEEP
    assert found[-1] == "d:True", "a folder comes after what is in it"


def test_it_is_removed_however_deep(deep: Path) -> None:
    nest(deep, depth=20, name="another")
    with_few_descriptors("remove_below(PATH)", deep)
    assert list(deep.iterdir()) == []


def test_its_size_is_counted_however_deep(deep: Path) -> None:
    assert tree_size(deep, block=512, each=100) == 2 * DEEP * 100


def test_links_are_removed_and_not_what_they_lead_to(tmp_path: Path) -> None:
    kept, tree = tmp_path / "kept", tmp_path / "tree"
    for folder in (kept, tree, tree / os.fsdecode(b"new\nline\xff")):
        folder.mkdir()
    (kept / "file").touch()
    (tree / "folder").symlink_to(kept)
    (tree / "up").symlink_to("..")
    os.mkfifo(tree / "pipe")
    os.link(kept / "file", tree / "hard")
    remove_folder(tree)
    assert list(tmp_path.rglob("*")) == [kept, kept / "file"]


def test_what_is_no_folder_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to("kept")
    for name in ("link", "none"):
        with pytest.raises(OSError, match=name):
            remove_folder(tmp_path / name)
    assert (tmp_path / "kept").exists()


@pytest.mark.parametrize("place", ["", "elsewhere"])
def test_a_tree_that_changes_meanwhile(tmp_path: Path, place: str) -> None:
    """What is moved out is not a way out; what is removed is passed over."""
    tree = tmp_path / "tree"
    (tree / "a/b").mkdir(parents=True)
    (tree / "a/b/file").touch()
    (tmp_path / "elsewhere/secret").mkdir(parents=True)

    def walk(*, tolerant: bool) -> Iterator[str]:
        for entry in walk_tree(tree, tolerant=tolerant):
            if entry.name == "file" and (tree / "a/b").exists():
                (tree / "a/b").rename(tmp_path / place / "b")
            yield entry.name

    assert set(walk(tolerant=True)) == {"file"}
    (tmp_path / place / "b").rename(tree / "a/b")
    with pytest.raises(OSError, match="was moved"):
        list(walk(tolerant=False))
    assert list(walk_tree(tmp_path / "none", tolerant=True)) == []
