"""A tree in memory outlives its namespace as long as the builder, and no longer."""

import os
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest

from aimager.sandbox import kept_tmpfs as memory_trees
from aimager.sandbox.answer import ChildFailed
from aimager.sandbox.kept_tmpfs import Shelf
from aimager.sandbox.namespace import call
from tests.support.inherited import Lending, Shelved, lend_programs, see_programs, use_trees

OPEN_TREE, MOVE_MOUNT = 428, 429

pytestmark = pytest.mark.usefixtures("shelf")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


def use(work: Path, *names: str, forbidden: int = 0) -> list[str]:
    return call(use_trees, Shelved(names, forbidden), work=work)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def test_a_tree_is_there_in_later_calls(work: Path) -> None:
    assert use(work, "a") == [""]
    assert use(work, "a") == ["a-0"]
    assert use(work, "b", "a") == ["", "a-0 a-1"]
    assert use(work) == []
    assert use(work, "a", "b") == ["a-0 a-1 a-2", "b-0"]


def test_a_tree_is_lent_as_what_an_archive_holds(work: Path, tmp_path: Path) -> None:
    lending = Lending(tmp_path / "programs.tar", work)
    reads = [lending.archive]
    with tarfile.open(lending.archive, "w"):
        pass  # nobody would find the program in it
    assert call(see_programs, lending, work=work, reads=reads) == []
    lending.archive.touch()
    call(lend_programs, lending, work=work, reads=reads)
    assert call(see_programs, lending, work=work, reads=reads) == ["program"]
    lending.archive.touch()
    assert call(see_programs, lending, work=work, reads=reads) == []


def test_so_many_are_kept_and_the_oldest_goes(work: Path, shelf: Shelf) -> None:
    assert use(work, "a", "b") == ["", ""]
    assert use(work, "a") == ["a-0"]
    assert use(work, "c") == [""]
    kept = shelf.take()
    assert list(kept) == ["a", "c"]
    assert len(kept) == memory_trees._MOST
    for descriptor in kept.values():
        os.close(descriptor)


def trees_held() -> int:
    """How many descriptors of this process are of a tree that is mounted nowhere."""
    count = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one by which the folder is read
            count += str(descriptor.readlink()) == "/"
    return count


def test_no_descriptor_is_lost_or_left(work: Path) -> None:
    use(work, "a")
    before = trees_held()
    for _ in range(3):
        use(work, "a", "b")
    assert trees_held() == before + 1


@pytest.mark.parametrize("syscall", [OPEN_TREE, MOVE_MOUNT])
def test_where_the_kernel_refuses_it_a_new_one_is_made(work: Path, syscall: int) -> None:
    assert use(work, "a") == [""]
    found = use(work, "a", forbidden=syscall)
    assert found == (["a-0"] if syscall == OPEN_TREE else [""])
    assert use(work, "a") == ([""] if syscall == OPEN_TREE else ["a-0"])


def test_a_call_that_is_killed_may_lose_its_tree_and_no_more(work: Path) -> None:
    assert use(work, "a") == [""]
    with pytest.raises(ChildFailed):
        call(use_trees, Shelved(("a",), killed=True), work=work)
    assert use(work, "a") == ["a-0 a-1"]
    with pytest.raises(ChildFailed):
        call(use_trees, Shelved(("b",), killed=True), work=work)
    assert use(work, "b") == [""]


def test_another_process_does_not_lend_its_parents(work: Path, shelf: Shelf) -> None:
    use(work, "a")
    child = os.fork()
    if not child:
        os._exit(len(shelf.take()))
    assert os.waitpid(child, 0)[1] == 0
    assert use(work, "a") == ["a-0"]


def test_a_damaged_loan_is_no_loan(work: Path, shelf: Shelf) -> None:
    with Path("/dev/null").open() as stream:
        shelf._trees["a"] = os.dup(stream.fileno())
    assert use(work, "a") == [""]
    assert use(work, "a") == ["a-0"]
    assert all(is_open(descriptor) for descriptor in shelf._trees.values())
