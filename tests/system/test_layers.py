"""A root archive and the layers on it are the tree that they were made of."""

import json
from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.sandbox.namespace import call
from tests.support.layered_trees import Layering, Odd, compare_layered, lay_odd, link_in_place


@pytest.mark.parametrize("whole", [False, True], ids=["of-changes", "in-place-of-all"])
def test_all_kinds_of_changes(tmp_path: Path, whole: bool) -> None:
    asked = Layering(tmp_path / "work", whole=whole)
    both = call(compare_layered, asked, work=tmp_path / "work")
    assert both.settled == both.unpacked
    words = {line.split()[0]: line for line in both.settled}
    assert words["10"].split()[1] == "-rw-r--r--"
    assert "user.first" not in words["b"] and "posix_acl" not in words["b"]
    assert "posix_acl_access" in words["a"]
    assert "layer.json" not in words


@pytest.mark.parametrize("seed", range(1, 61))
def test_changes_at_random(tmp_path: Path, seed: int) -> None:
    both = call(compare_layered, Layering(tmp_path / "work", seed), work=tmp_path / "work")
    assert both.settled == both.unpacked


def test_what_is_not_below_cannot_be_taken_away(tmp_path: Path) -> None:
    """A layer leads nowhere: neither by its links nor by those below it."""
    work = tmp_path / "work"
    removed = ["link/file", "../outside/file", f"{work}/outside/file"]
    odd = Odd(work, "layer.json", json.dumps({"removed": removed, "bare": []}))
    assert call(lay_odd, odd, work=work)


def test_a_folder_that_became_a_link(tmp_path: Path) -> None:
    """What it held is gone, and nothing that the link leads to is taken for it."""
    both = call(link_in_place, tmp_path / "work", work=tmp_path / "work")
    assert both.settled == both.unpacked


@pytest.mark.parametrize("name", ["layer.json", "x"])
@pytest.mark.parametrize("content", ["", "{}", "x"])
def test_what_is_no_layer(tmp_path: Path, name: str, content: str) -> None:
    with pytest.raises(ImageError, match="is not a layer of a system"):
        call(lay_odd, Odd(tmp_path / "work", name, content), work=tmp_path / "work")


def test_where_the_kernel_does_not_tell_of_all(tmp_path: Path) -> None:
    """All of it is the layer then."""
    asked = Layering(tmp_path / "work", unwatched=True)
    both = call(compare_layered, asked, work=tmp_path / "work")
    assert both.settled == both.unpacked
