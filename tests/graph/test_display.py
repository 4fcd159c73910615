"""Plain lines, which are few; terminals are tried with whole runs, in test_reporter.py."""

import io
import time

import pytest

from aimager.graph.console.display import Plain, plain_step
from aimager.graph.console.events import Record


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time; the test sets it."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def step(
    task: str, name: str, done: int, total: int = 0, unit: str = "", detail: str = ""
) -> Record:
    told = {"step": name, "done": done, "total": total, "unit": unit, "detail": detail}
    return {"event": "step", "task": task, **told}


def test_a_task_says_how_far_it_is_once_in_ten_seconds(clock: list[float]) -> None:
    stream = io.StringIO()
    plain = Plain(stream)
    for task in ("a:x", "b:x"):
        plain.show({"event": "began", "task": task})
        plain.show({"event": "reason", "task": task, "title": task[0], "reason": "new"})
    for second in range(300):
        clock[0] = 100 + second / 10
        for task in ("a:x", "b:x"):
            plain.show(step(task, "downloading", second * 1_000_000, 300_000_000, "B"))
    lines = stream.getvalue().splitlines()
    assert lines[:4] == [".  a:x", "a: new", ".  b:x", "b: new"]
    assert lines[4:] == [
        "   a is at downloading: 33 % of 300.0 MB, 10.0 MB/s, 20.0 s left",
        "   b is at downloading: 33 % of 300.0 MB, 10.0 MB/s, 20.0 s left",
        "   a is at downloading: 66 % of 300.0 MB, 10.0 MB/s, 10.0 s left",
        "   b is at downloading: 66 % of 300.0 MB, 10.0 MB/s, 10.0 s left",
    ]


def test_a_quick_task_says_nothing_of_how_far_it_is(clock: list[float]) -> None:
    stream = io.StringIO()
    plain = Plain(stream)
    for start in (100.0, 120.0):
        clock[0] = start
        plain.show({"event": "began", "task": "a"})
        clock[0] += 9
        plain.show(step("a", "packing", 1))
        plain.show({"event": "done", "task": "a"})
    assert stream.getvalue() == ".  a\n.  a\n"


def test_that_a_task_began_is_said_once_whoever_is_first(clock: list[float]) -> None:
    stream = io.StringIO()
    plain = Plain(stream)
    for record in ({"event": "began"}, {"event": "text", "text": "   hello"}, {"event": "began"}):
        plain.show({"task": "a", **record})
    assert stream.getvalue() == ".  a\n   hello\n"
    assert clock == [100.0]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (step("a", "packing", 5_000_000, unit="B"), "packing: 5.0 MB, 2.5 MB/s"),
        (step("a", "packing", 0, unit="B"), "packing: 0 B"),
        (step("a", "downloading", 1, 2, "B"), "downloading: 50 % of 2 B, 0 B/s, 2.0 s left"),
        (step("a", "downloading", 2, 2, "B"), "downloading: 100 % of 2 B, 1 B/s"),
        (step("a", "installing", 3, 9, detail="bash"), "installing: 3 of 9, bash"),
        (step("a", "hook: x", 0, detail="1 of 2 hooks"), "hook: x, 1 of 2 hooks"),
        (step("a", "setting up", 0), "setting up"),
    ],
)
def test_how_far(record: Record, words: str) -> None:
    assert plain_step(record, 2.0) == words
