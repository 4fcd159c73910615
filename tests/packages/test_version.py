"""Versions are in the order in which pacman has them."""

from itertools import pairwise

import pytest

from aimager.packages.version import compare_versions

ASCENDING = ("1.0a", "1.0b", "1.0beta", "1.0p", "1.0pre", "1.0rc", "1.0", "1.0.a", "1.0.1")
"""vercmp(8), NOTES."""

PAIRS = (
    ("1", "2"),
    ("1.9", "1.10"),
    ("1.0-1", "1.0-2"),
    ("2.0-1", "1:1.0-1"),
    ("0:2", "1:1"),
    ("1.5.a", "1.5.1"),
    ("1.a", "1..a"),
    ("6.18.45-1", "6.18.47-1"),
    ("1.0.r9.gab", "1.0.r10.g0a"),
)
EQUAL = (("1.0", "1.0-3"), ("1.0", "0:1.0"), ("1.01", "1.1"), ("1_0", "1.0"), ("", ""))


@pytest.mark.parametrize(("older", "newer"), [*pairwise(ASCENDING), *PAIRS])
def test_the_newer_one_is_known(older: str, newer: str) -> None:
    assert compare_versions(older, newer) < 0
    assert compare_versions(newer, older) > 0


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_ones(one: str, other: str) -> None:
    assert compare_versions(one, other) == 0
    assert compare_versions(other, one) == 0


def test_what_is_long_takes_no_longer() -> None:
    digits = "1" * 100_000
    assert compare_versions(digits, f"2{digits[1:]}") < 0
    assert compare_versions(f"000{digits}", digits) == 0
    assert compare_versions(digits, digits[1:]) > 0
    separators = "-" * 1_000_000
    assert compare_versions(f"1{separators}", f"1{separators}-") == 0
