"""Sizes, times and numbers of things in words, and sizes as people write them."""

import pytest

from aimager.units import count, duration, exact_size, mebibytes, parse_size, size


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (119.7, "2 min 0 s"),
        (3700, "61 min 40 s"),
    ],
)
def test_times(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_340_000, "2.3 MB"), (1e9, "1.0 GB")],
)
def test_sizes(count: float, words: str) -> None:
    assert size(count) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        *((0, "0 B"), (1, "1 B"), (1025, "1025 B"), (1 << 10, "1 KiB"), (3 << 19, "1536 KiB")),
        *((1 << 30, "1 GiB"), (5 << 40, "5 TiB"), (1 << 50, "1024 TiB")),
    ],
)
def test_exact_sizes_are_read_back(count: int, words: str) -> None:
    assert exact_size(count) == words
    assert parse_size(words.replace(" B", "")) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        *(("8", 8), (" 8 k ", 8 << 10), ("3M", 3 << 20), ("1GiB", 1 << 30), ("2tib", 2 << 40)),
        *(("", None), ("M", None), ("1.5G", None), ("-1", None), ("1MB", None), ("1P", None)),
        *(("9" * 19, None), ("9" * 5000 + "K", None), ("\u0662", None)),
    ],
)
def test_what_people_write(text: str, count: int | None) -> None:
    assert parse_size(text) == count


def test_a_number_alone_may_count_sectors() -> None:
    assert parse_size("8", unit=512) == 4096
    assert parse_size("8K", unit=512) == 8192


def test_what_is_needed_is_rounded_up() -> None:
    assert [mebibytes(n) for n in (0, 1, 1 << 20, (1 << 20) + 1)] == [
        *("0 MiB", "1 MiB", "1 MiB", "2 MiB")
    ]


def test_only_one_is_one() -> None:
    assert [count(n, "package") for n in range(3)] == ["0 packages", "1 package", "2 packages"]
    assert count(1, "library", "libraries") == "1 library"
    assert count(2, "library", "libraries") == "2 libraries"
