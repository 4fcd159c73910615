"""What a graph does around its tasks: look at the machine first, and tell of new keyrings."""

import multiprocessing
import time
from pathlib import Path

import pytest
from doit.exceptions import TaskFailed

from aimager.errors import ConfigError, KeyTroubleError
from aimager.graph import doit_tasks as doit_support
from aimager.products.stage import Stage
from aimager.products.task import CachedTask
from tests.graph.test_doit_tasks import fail, loud_stage, make_graph, run
from tests.support.staged import runs


@pytest.fixture(autouse=True)
def _nothing_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doit_support, "hold_run_folder", lambda _: None)


@pytest.fixture
def loud(tmp_path: Path) -> Stage:
    """A stage that reads what another task makes."""
    return loud_stage(tmp_path)


def test_what_is_looked_at_first_is_looked_at_once(tmp_path: Path, loud: Stage) -> None:
    looked: list[bool] = []
    graph = make_graph(tmp_path, before=lambda: looked.append(True))
    (task,) = graph.stage("shout", "x", loud)
    run(task)
    run(task)
    assert looked == [True]


def test_of_several_processes_one_looks_and_the_others_wait_for_it(
    tmp_path: Path, loud: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def note(word: str) -> None:
        with (tmp_path / "diary").open("a") as stream:
            stream.write(f"{word} ")

    def look() -> None:
        note("begin")
        time.sleep(0.3)
        note("end")

    def be_one() -> None:
        (task,) = make_graph(tmp_path, before=look).stage("shout", "x", loud)
        run(task)

    monkeypatch.setattr(CachedTask, "run", lambda _: note("ran"))
    forking = multiprocessing.get_context("fork")
    processes = [forking.Process(target=be_one) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert (tmp_path / "diary").read_text() == "begin end ran ran ran "


def test_what_a_machine_lacks_ends_a_task_before_it_is_run(tmp_path: Path, loud: Stage) -> None:
    lack = ConfigError("no room", hint="make some")
    graph = make_graph(tmp_path, before=lambda: fail(lack))
    told = run(*graph.stage("shout", "x", loud))
    assert isinstance(told, TaskFailed)
    assert told.message == "no room\n  hint: make some"
    assert runs(tmp_path / "cache") == 0
    other = make_graph(tmp_path, before=lambda: fail(lack))
    assert isinstance(run(*other.stage("shout", "x", loud)), TaskFailed)


def test_trouble_with_keys_is_told_with_what_is_new(
    tmp_path: Path, loud: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CachedTask, "run", lambda _: fail(KeyTroubleError("expired", hint="wait")))
    told = run(*make_graph(tmp_path).stage("shout", "x", loud))
    assert isinstance(told, TaskFailed)
    assert told.message == "expired\n  hint: wait"
    graph = make_graph(
        tmp_path, with_news=lambda error: KeyTroubleError(error.message, hint="a newer one")
    )
    told = run(*graph.stage("shout", "x", loud))
    assert isinstance(told, TaskFailed)
    assert told.message == "expired\n  hint: a newer one"
