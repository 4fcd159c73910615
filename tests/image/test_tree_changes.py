"""What was changed in a tree since it was seen, however soon after."""

import os
from pathlib import Path

from aimager.image.tree_changes import Changes, find_changes, look
from aimager.sandbox.tree import Tree


def changes(top: Path, path: str, others: tuple[str, ...] = ()) -> Changes:
    tree = Tree(top)
    before = look(tree)
    (top / "etc/same").write_text("new")
    os.utime(top / "etc/same", ns=(1, 1))
    (top / "boot/loader").mkdir()
    (top / "boot/loader/entry").write_text("x")
    (top / "etc/gone").unlink()
    return find_changes(tree, before, look(tree), path, others)


def make(top: Path) -> Path:
    (top / "etc").mkdir(parents=True)
    (top / "boot").mkdir()
    for name in ("same", "gone", "kept"):
        (top / "etc" / name).write_text("old")
        os.utime(top / "etc" / name, ns=(1, 1))
    return top


def test_a_file_written_at_once_is_changed(tmp_path: Path) -> None:
    """Of the same size and time as before, and in the tick of the clock in which it was made."""
    found = changes(make(tmp_path / "tree"), "", ("boot",))
    assert [name for name, _ in found.made] == ["etc/same"]
    assert [name for name, _ in found.removed] == ["etc/same", "etc/gone"]
    assert [name for name, *_ in found.kept] == ["etc"]
    assert found


def test_a_partition_has_its_own(tmp_path: Path) -> None:
    found = changes(make(tmp_path / "tree"), "boot")
    assert [name for name, _ in found.made] == ["loader", "loader/entry"]
    assert not found.removed
    assert found.path("loader") == "boot/loader"


def test_nothing(tmp_path: Path) -> None:
    tree = Tree(make(tmp_path / "tree"))
    seen = look(tree)
    assert not find_changes(tree, seen, look(tree), "", ())
