"""Tasks that other machines do first, and what doit is told of them."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from doit.control import TaskControl
from doit.dependency import Dependency, SqliteDB
from doit.runner import FAILURE, SUCCESS
from doit.task import Stream

from aimager.graph.runner import SideBySide
from tests.graph.test_runner import Heard, task


class Played:
    """Other machines that have done a task when all that are to be away at once are."""

    def __init__(self, *names: str, faults: dict[str, str] | None = None) -> None:
        self.names = set(names)
        self.faults = faults or {}
        self.sent: list[str] = []
        self.over: list[str] = []
        self.recalled = False
        self.closed = False
        self._reader, self._writer = os.pipe()

    def fileno(self) -> int:
        return self._reader

    def send(self, task: Any) -> bool:
        if task.name not in self.names or task.name in self.sent:
            return False
        self.sent.append(task.name)
        if set(self.sent) == self.names:
            os.write(self._writer, b".")
        return True

    def ended(self) -> dict[str, str]:
        os.read(self._reader, 1)
        return {name: self.faults.get(name, "") for name in self.names}

    def taken(self, name: str) -> None:
        self.over.append(name)

    def recall(self) -> set[str]:
        self.recalled = True
        return set()

    def close(self) -> None:
        self.closed = True


def run(tasks: Sequence[Any], away: Played, heard: Heard | None = None, *, jobs: int = 2) -> int:
    control = TaskControl(list(tasks))
    control.process(None)
    given = (Dependency(SqliteDB, ":memory:"), heard or Heard(), False, False, Stream(0))
    status: int = SideBySide(*given, jobs=jobs, away=away).run_all(control.task_dispatcher())
    assert away.closed
    return status


@pytest.fixture
def note(tmp_path: Path) -> Callable[[str], None]:
    def note(name: str) -> None:
        with (tmp_path / "ran").open("a") as stream:
            stream.write(f"{name}\n")

    return note


@pytest.mark.parametrize("jobs", [1, 2])
def test_many_are_away_at_once_and_then_run_here(
    tmp_path: Path, note: Callable[[str], None], jobs: int
) -> None:
    names = [f"made{number}" for number in range(5)]
    last = task("last", note, *names)
    assert run([*(task(name, note) for name in names), last], Played(*names), jobs=jobs) == SUCCESS
    ran = (tmp_path / "ran").read_text().split()
    assert sorted(ran[:-1]) == names
    assert ran[-1] == "last"


def test_a_failure_elsewhere_is_one_here(tmp_path: Path, note: Callable[[str], None]) -> None:
    heard, away = Heard(), Played("one", faults={"one": "it is wrong (on w)"})
    assert run([task("one", note), task("two", note, "one")], away, heard) == FAILURE
    assert [fault.strip() for fault in heard.faults] == ["it is wrong (on w)"]
    assert away.recalled
    assert not (tmp_path / "ran").exists()
