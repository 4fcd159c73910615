"""What an overlay tells of changes is what is told of a tree that is changed itself."""

import os
from pathlib import Path

import pytest

from aimager.sandbox import overlay
from aimager.sandbox.namespace import call
from tests.support.covered_trees import (
    CHANGES,
    SHARED,
    Asked,
    change_both,
    change_shared,
    leave_nothing,
)


@pytest.mark.parametrize("change", CHANGES)
def test_both_ways_are_alike(change: str, tmp_path: Path) -> None:
    work = tmp_path / "work"
    found = call(change_both, Asked(work, change), work=work)
    assert found.changed == found.changed_itself
    assert found.tree == found.tree_itself
    assert found.below
    assert found.top


@pytest.mark.parametrize("change", SHARED)
def test_one_of_several_names_is_not_told(change: str, tmp_path: Path) -> None:
    work = tmp_path / "work"
    said = call(change_shared, Asked(work, change), work=work)
    assert said.endswith(" has other names")


def test_nothing_is_left(tmp_path: Path) -> None:
    assert call(leave_nothing, tmp_path / "work", work=tmp_path / "work") == ["root"]


@pytest.mark.parametrize("lacks", ["setxattr", "mount"])
def test_a_kernel_that_cannot(lacks: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    (tmp_path / "tree").mkdir()
    monkeypatch.setattr(overlay if lacks == "mount" else os, lacks, refuse)
    if lacks == "mount":
        monkeypatch.setattr(overlay, "_be_as", lambda *_: None)
    with pytest.raises(overlay.OverlayError, match="the kernel refuses an overlay: Operation"):
        overlay.lay_over(tmp_path / "tree", tmp_path / "overlay")
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]
