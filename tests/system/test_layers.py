"""A root archive and the layers on it are the tree that they were made of."""

import json
import tarfile
from pathlib import Path

import pytest

from aimager.archive import pack_members
from aimager.errors import ImageError
from aimager.sandbox.namespace import call
from aimager.system.layers import lay_layers
from aimager.toolbox import Toolbox
from tests.support.layered_trees import Layering, compare_layered, link_in_place


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
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").touch()
    with tarfile.open(tmp_path / "base.tar", "w") as base:
        link = tarfile.TarInfo("./link")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "outside")
        base.addfile(link)
    removed = ["link/file", "../outside/file", str(tmp_path / "outside/file")]
    head = json.dumps({"removed": removed, "bare": []}).encode()
    (tmp_path / "layer.tar").write_bytes(pack_members([("layer.json", head)]))
    archives = [tmp_path / "base.tar", tmp_path / "layer.tar"]
    lay_layers(Toolbox(None, None), archives, tmp_path / "root")
    assert (tmp_path / "outside/file").exists()


def test_a_folder_that_became_a_link(tmp_path: Path) -> None:
    """What it held is gone, and nothing that the link leads to is taken for it."""
    both = call(link_in_place, tmp_path / "work", work=tmp_path / "work")
    assert both.settled == both.unpacked


@pytest.mark.parametrize("name", ["layer.json", "x"])
@pytest.mark.parametrize("content", [b"", b"{}", b"x"])
def test_what_is_no_layer(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / "base.tar").write_bytes(pack_members([("file", b"")]))
    (tmp_path / "layer.tar").write_bytes(pack_members([(name, content)]))
    archives = [tmp_path / "base.tar", tmp_path / "layer.tar"]
    with pytest.raises(ImageError, match="is not a layer of a system"):
        lay_layers(Toolbox(None, None), archives, tmp_path / "root")


def test_where_the_kernel_does_not_tell_of_all(tmp_path: Path) -> None:
    """All of it is the layer then."""
    asked = Layering(tmp_path / "work", unwatched=True)
    both = call(compare_layered, asked, work=tmp_path / "work")
    assert both.settled == both.unpacked
