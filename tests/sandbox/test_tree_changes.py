"""What was changed in a tree since it was seen, however soon after."""

import os
import time
from pathlib import Path

import pytest

from aimager.errors import HostError
from aimager.sandbox.tree import Tree
from aimager.sandbox.tree_changes import Changes, find_changes, look, look_again


def changes(top: Path, path: str, others: tuple[str, ...] = ()) -> Changes:
    tree = Tree(top)
    before = look(tree)
    (top / "etc/same").write_text("new")
    os.utime(top / "etc/same", ns=(1, 1))
    (top / "boot/loader").mkdir()
    (top / "boot/loader/entry").write_text("x")
    (top / "etc/gone").unlink()
    return find_changes(tree, look_again(tree, before), path, others)


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
    assert not find_changes(tree, look_again(tree, seen))


def test_the_clock_was_set_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an hour: until its files are brought back, what is written then looks older than they."""
    top = make(tmp_path / "tree")
    status, before = (top / "etc/kept").stat(), time.time_ns()
    hour = 3600 * 10**9
    told = iter([before - hour, before - hour, before - hour])
    monkeypatch.setattr(time, "clock_gettime_ns", lambda clock: next(told, time.time_ns() + hour))
    assert "etc/kept" in look(Tree(top))
    after = (top / "etc/kept").stat()
    assert after.st_ctime_ns > status.st_ctime_ns
    assert after.st_mtime_ns == status.st_mtime_ns


def test_the_clock_is_always_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "clock_gettime_ns", lambda clock: 0)
    with pytest.raises(HostError, match="the clock is set back again and again"):
        look(Tree(make(tmp_path / "tree")))
