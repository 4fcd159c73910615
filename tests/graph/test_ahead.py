"""What is done ahead is left out where nobody would wait for less, and fails alone."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aimager.errors import HostError
from aimager.graph import doit_tasks
from aimager.graph.ahead import Ahead
from aimager.graph.doit_tasks import Helpers
from aimager.model.workshop import Workshop
from tests.graph.test_doit_tasks import loud_stage, make_graph

HELPED, MEANWHILE = "second:x", "first:x"


@dataclass(frozen=True)
class Help:
    """What can be done ahead; ``fault`` is how it fails."""

    id: str = "some"
    fault: Exception | None = None
    ran: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Take it down, or fail."""
        if self.fault:
            raise self.fault
        self.ran.append(self.id)


def task_of(ahead: Ahead, help_: Help, *, name: str = "x") -> dict[str, Any]:
    """The doit task for what is done ahead."""
    return ahead.task(
        ("ahead", name), help_, lambda: help_.ran.append("ready"), HELPED, MEANWHILE, ["zero:x"]
    )


def is_left_out(task: dict[str, Any]) -> bool:
    """Whether doit would find that the task need not run."""
    ((ask, given),) = task["uptodate"]
    return bool(ask(*given))


def run(task: dict[str, Any]) -> Any:
    """Have the task run, as doit does."""
    ((action, given),) = task["actions"]
    return action(*given)


@pytest.mark.parametrize(
    ("done", "wanted", "id_", "left_out"),
    [
        ([], True, "some", False),
        ([HELPED], True, "some", False),
        ([MEANWHILE], True, "some", True),
        (["zero:x"], True, "some", False),
        ([], False, "some", True),
        ([], True, "", True),
    ],
)
def test_it_is_done_where_somebody_would_wait_for_it(
    done: list[str], wanted: bool, id_: str, left_out: bool
) -> None:
    ahead = Ahead(done.__contains__, wanted=wanted)
    assert is_left_out(task_of(ahead, Help(id_))) == left_out


def test_the_same_is_done_once() -> None:
    ahead = Ahead(lambda _: False, wanted=True)
    asked = [task_of(ahead, Help(id_), name=id_) for id_ in ("one", "one", "two")]
    assert [is_left_out(task) for task in asked] == [False, True, False]


def test_what_it_helps_comes_after_it() -> None:
    ahead = Ahead(lambda _: False, wanted=True)
    assert task_of(ahead, Help())["task_dep"] == ["zero:x"]
    assert ahead.helpers(HELPED) == ["ahead:x"]
    assert ahead.helpers(MEANWHILE) == []


def test_it_says_what_for(capsys: pytest.CaptureFixture[str]) -> None:
    help_ = Help()
    assert run(task_of(Ahead(lambda _: False, wanted=True), help_)) is None
    assert help_.ran == ["ready", "some"]
    assert f"ahead:x: ahead of {HELPED}, which has to wait" in capsys.readouterr().out


@pytest.mark.parametrize("fault", [HostError("no room"), OSError(28, "no room")])
def test_its_failure_is_nobody_elses(fault: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    task = task_of(Ahead(lambda _: False, wanted=True), Help(fault=fault))
    assert run(task) is None
    said = capsys.readouterr().out
    assert f"left to {HELPED}: " in said
    assert "no room" in said


def test_what_it_reads_is_missing() -> None:
    """As where a task is run alone, and nothing before it was."""

    class Blind:
        @property
        def id(self) -> str:
            raise FileNotFoundError("lock.json")

    blind: Any = Blind()
    assert is_left_out(task_of(Ahead(lambda _: False, wanted=True), blind))


@pytest.mark.parametrize(("wanted", "id_"), [(False, "some"), (True, "")])
def test_it_is_not_run_where_all_tasks_are(wanted: bool, id_: str) -> None:
    """doit's -a runs what is up to date."""
    help_ = Help(id_)
    assert run(task_of(Ahead(lambda _: False, wanted=wanted), help_)) is None
    assert help_.ran == []


@dataclass(frozen=True)
class Reader:
    """What can be done ahead, of what another task makes."""

    source: Path
    workshop: Workshop
    early: bool
    id: str = "some"

    def run(self) -> None:
        """Do nothing."""


def test_a_helper_waits_to_know_whether_there_is_time_where_that_is_not_sure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what it does it beside, there may be the very product where there has been one."""

    early: list[bool] = []

    def make(**given: Any) -> Reader:
        early.append(given["early"])
        return Reader(tmp_path / "view/zero/x/source", **given)

    def needs() -> list[str]:
        @graph.helpers
        def task_help() -> Helpers:
            yield "x", make, "last:x", "shout:x"

        _, task = task_help()
        found: list[str] = task["task_dep"]
        return found

    monkeypatch.setattr(doit_tasks, "hold_run_folder", lambda _: None)
    graph = make_graph(tmp_path)
    (base,) = graph.stage("shout", "x", loud_stage(tmp_path))
    assert needs() == ["zero:x"]
    assert run(base) is None
    assert needs() == ["zero:x", "first:x"]
    assert early == [True, False]
