"""What workers say comes to the lines of the task that was sent."""

from pathlib import Path
from typing import Any

import pytest

from aimager.cluster.hearing import Ear
from aimager.products.task import CachedTask
from tests.support.staged import shout


class Listening(Ear):
    """Keeps what it would send on."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []

    def _send(self, record: dict[str, Any]) -> None:
        self.sent.append(record)


@pytest.fixture
def task(cache: Path, source: Path) -> CachedTask:
    return shout(cache, "run", source)


def test_the_worker_is_named(task: CachedTask) -> None:
    ear = Listening()
    ear.hear(task, {"event": "begun", "place": "one:1"})
    ear.hear(task, {"event": "reason", "task": "shout:x", "title": "x", "reason": "it is new"})
    ear.hear(task, {"event": "reason", "task": "fetch:x", "title": "f", "reason": "it is new"})
    told = [record["reason"] for record in ear.sent]
    assert told == ["it is made on one:1", "it is new (on one:1)"]
    assert {record["task"] for record in ear.sent} == {"shout:x"}


def test_steps_of_what_it_needs_are_its_own(task: CachedTask) -> None:
    ear = Listening()
    step = {"event": "step", "step": "packing", "done": 1, "total": 2, "unit": "B", "detail": ""}
    ear.hear(task, {**step, "task": "shout:x"})
    ear.hear(task, {**step, "task": "fetch:x"})
    assert [record["step"] for record in ear.sent] == ["packing", "fetch:x: packing"]
    assert {record["task"] for record in ear.sent} == {"shout:x"}


def test_lines_are_those_of_tasks_and_what_all_say_of_a_store_is_said_once(
    task: CachedTask,
) -> None:
    ear = Listening()
    said = (("a", "fetch:x"), ("a", "shout:x"), ("TaskFailed", ""), ("b", "shout:x"))
    of_a_store = [("   the remote store x failed", of) for of in ("fetch:x", "shout:x")]
    for text, of in (*said, *of_a_store):
        ear.hear(task, {"event": "text", "task": of, "text": text})
    for event in ("done", "failed", "total", "kept"):
        ear.hear(task, {"event": event, "task": "shout:x"})
    assert [record["text"] for record in ear.sent] == ["a", "a", "b", of_a_store[0][0]]
