"""Times and reasons in the columns of a terminal."""

import pytest

from aimager.graph.console.line_forms import clock, folded


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (59.95, "1:00"), (61, "1:01"), (3725.4, "62:05")],
)
def test_clock(seconds: float, words: str) -> None:
    assert clock(seconds) == words


REASON = "make-rootfs-archive:archlinuxarm-aarch64: it has not been made before, or it is damaged"


@pytest.mark.parametrize("columns", [40, 60, 78, 200])
def test_lines_keep_within_the_width_and_lose_nothing(columns: int) -> None:
    start = " 7 of 18   12:05  "
    lines = folded(start, REASON, columns).split("\n")
    longest = max(map(len, REASON.split()))
    assert all(len(line) <= max(columns, len(start) + longest) for line in lines)
    assert lines[0].startswith(start)
    assert all(line[: len(start)].isspace() for line in lines[1:])
    assert " ".join(line[len(start) :] for line in lines) == REASON
    assert (len(lines) == 1) == (columns == 200)
