"""No change of a tree that packages filled reaches what lies outside of it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.sandbox.tree import Tree
from tests.support.hostile_root import everything


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root beside a folder that is not its own."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("mine")
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/etc/file").write_text("its own")
    return tmp_path / "root"


CHANGES: dict[str, Callable[[Tree, str], object]] = {
    "write": lambda tree, path: tree.write(f"{path}/new", "text"),
    "symlink": lambda tree, path: tree.symlink(f"{path}/new", "text"),
    "mkdir": lambda tree, path: tree.mkdir(f"{path}/new"),
    "chmod": lambda tree, path: tree.chmod(path, 0o700),
    "unlink": lambda tree, path: tree.unlink(f"{path}/file"),
    "remove": lambda tree, path: tree.remove(path),
    "remove below": lambda tree, path: tree.remove(f"{path}/file"),
    "remove what matches": lambda tree, path: [*map(tree.remove, tree.glob(f"{path}/*"))],
    "move out": lambda tree, path: tree.move_out(path, tree.path.parent / "moved"),
    "walk": lambda tree, path: list(tree.walk(path)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("trap", ["absolute", "relative", "in the middle", "fifo", "file"])
def test_nothing_outside_changes(root: Path, change: str, trap: str) -> None:
    outside, path = root.parent / "outside", "etc/trap"
    if trap == "absolute":
        (root / path).symlink_to(outside)
    elif trap == "relative":
        (root / path).symlink_to("../../../" * 9 + str(outside))
    elif trap == "in the middle":
        (root / "middle").symlink_to(outside.parent)
        path = "middle/outside"
    elif trap == "fifo":
        os.mkfifo(root / path)
    else:
        (root / path).write_text("")
    before = everything(outside)
    outside_mode = outside.stat().st_mode
    try:
        CHANGES[change](Tree(root), path)
    except ImageError as error:
        assert error.message.startswith(("/etc/trap", "/middle"))
    assert everything(outside) == before
    assert outside.stat().st_mode == outside_mode
    assert not list((root.parent / "moved").glob("*"))
