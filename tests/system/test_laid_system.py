"""The tree of a system is passed on to who would unpack its archive, once, and unpacked else."""

import os
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.sandbox.answer import ChildFailed
from aimager.sandbox.kept_tmpfs import Shelf
from aimager.sandbox.namespace import call
from tests.support.passed_trees import (
    MIB,
    Laying,
    change_aside,
    lay_tree,
    pass_tree,
    take_twice,
)

pytestmark = pytest.mark.usefixtures("shelf")


@pytest.fixture
def laying(tmp_path: Path) -> Laying:
    """An archive that holds another file than the tree that is passed on."""
    archive = tmp_path / "system.tar"
    (tmp_path / "unpacked").touch()
    with tarfile.open(archive, "w") as content:
        content.add(tmp_path / "unpacked", "unpacked")
    return Laying(archive, tmp_path / "work")


def passed(laying: Laying) -> None:
    call(pass_tree, laying, work=laying.work, reads=[laying.archive])


def changed_aside(laying: Laying) -> list[str]:
    return call(change_aside, laying, work=laying.work, reads=[laying.archive])


def laid(laying: Laying) -> list[str]:
    return call(lay_tree, laying, work=laying.work, reads=[laying.archive])


def test_it_is_taken_once(laying: Laying, shelf: Shelf) -> None:
    passed(laying)
    assert laid(laying) == ["passed"]
    assert not shelf.take()
    assert laid(laying) == ["unpacked"]


def test_one_that_a_killed_call_has_changed_is_not_taken(laying: Laying) -> None:
    passed(laying)
    with pytest.raises(ChildFailed):
        laid(replace(laying, killed=True))
    assert laid(laying) == ["unpacked"]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param({}, "passed", id="as-it-was"),
        pytest.param({"size": None}, "passed", id="where-memory-is-short-by-it"),
        pytest.param({"size": None, "needed": 2 * MIB}, "unpacked", id="on-disk"),
        pytest.param({"needed": 2 * MIB, "size": 2 * MIB}, "unpacked", id="too-small"),
        pytest.param({"needed": 2 * MIB}, "passed", id="as-small-as-the-user-wants"),
    ],
)
def test_it_is_taken_where_it_would_do(
    laying: Laying, changes: dict[str, int | None], found: str
) -> None:
    passed(laying)
    assert laid(replace(laying, **changes)) == [found]  # type: ignore[arg-type]


def test_an_archive_that_was_written_since_is_unpacked(laying: Laying) -> None:
    passed(laying)
    os.utime(laying.archive, ns=(0, 0))
    assert laid(laying) == ["unpacked"]


@pytest.mark.parametrize("changes", [{"size": None}, {"beside": "root.run"}])
def test_a_tree_on_disk_or_not_alone_is_not_passed_on(
    laying: Laying, changes: dict[str, str | None]
) -> None:
    passed(replace(laying, **changes))  # type: ignore[arg-type]
    assert laid(laying) == ["unpacked"]


def test_a_tree_is_lent_to_one_at_a_time(laying: Laying, shelf: Shelf) -> None:
    passed(laying)
    trees = shelf.take()
    shelf._trees = dict(trees)
    assert call(take_twice, next(iter(trees)), work=laying.work) == [True, False]
    assert call(take_twice, next(iter(trees)), work=laying.work) == [False, False]


def test_what_is_changed_aside_is_for_others_as_it_was(laying: Laying) -> None:
    """Be it passed on or unpacked, whatever ends the call, and for who changes it himself."""
    assert changed_aside(laying) == ["unpacked", "added", "unpacked"]
    passed(laying)
    for _ in range(2):
        assert changed_aside(laying) == ["passed", "added", "passed"]
    with pytest.raises(ChildFailed):
        changed_aside(replace(laying, killed=True))
    assert changed_aside(laying) == ["passed", "added", "passed"]
    assert laid(laying) == ["passed"]
    assert laid(laying) == ["unpacked"]


def test_a_tree_on_disk_is_changed_itself(laying: Laying, shelf: Shelf) -> None:
    assert changed_aside(replace(laying, size=None)) == ["unpacked", "no overlay"]
    assert not shelf.take()
