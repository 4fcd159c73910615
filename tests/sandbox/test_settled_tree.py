"""A tree in memory that was settled is what its archive unpacks to."""

from pathlib import Path

from aimager.sandbox.namespace import call
from tests.support.passed_trees import EPOCH, compare, count_renames


def test_nothing_tells_it_from_the_unpacked_one(tmp_path: Path) -> None:
    both = call(compare, tmp_path / "work", work=tmp_path / "work")
    assert both.settled == both.unpacked
    words = {line.split()[0]: line.split() for line in both.settled}
    assert "socket" not in words
    assert words["10"][3] == str(EPOCH * 10**9)
    assert words["9"][3] == str((EPOCH - 1) * 10**9 + 123_456_789)
    assert int(words["hole"][4]) * 512 >= 100_000
    assert int(words["holes"][4]) * 512 >= 5 << 20
    assert words["privileged"][1] == "-rwsr-sr-x"
    assert "security.capability" in " ".join(words["privileged"])
    assert words["zeta"][-1] == words["second"][-1] == words["first"][-1]
    assert words["empty"]


def test_a_folder_lists_what_it_holds_in_one_order(tmp_path: Path) -> None:
    both = call(compare, tmp_path / "work", work=tmp_path / "work")
    files = [line.split()[0] for line in both.settled if line.startswith("file")]
    assert files in (sorted(files), sorted(files, reverse=True))


def test_a_folder_that_lists_it_in_that_order_is_left_alone(tmp_path: Path) -> None:
    """But for the first, which shows the order."""
    first, again = call(count_renames, tmp_path / "work", work=tmp_path / "work")
    assert 0 < again <= 2 * 4 < first, "the names of one folder, each there and back"
