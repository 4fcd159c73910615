"""What a graph does around its tasks: look at the machine first, and tell of new keyrings."""

import errno
import multiprocessing
import time
from pathlib import Path

import pytest
from doit.exceptions import TaskFailed

from aimager.config.build import read_build
from aimager.errors import (
    AimagerError,
    CommandError,
    ConfigError,
    DownloadError,
    KeyTroubleError,
    TrustError,
)
from aimager.graph import actions, artifacts
from aimager.graph import doit_tasks as doit_support
from aimager.graph.failure import hint_of
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


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (CommandError(["mkfs"], 1, "no"), "all that it said is in /log"),
        (CommandError(["mkfs"], 1, "no", hint="mend"), "mend"),
        (
            DownloadError("no", hint="name repo-url-parent=", repository="core"),
            "name repo-url-core=",
        ),
        (TrustError("no", hint="name repo-url-parent=", repository="core"), "name repo-url-core="),
        (TrustError("no", hint="name repo-url-parent="), "name repo-url-parent="),
    ],
)
def test_the_hint_is_that_for_how_the_build_was_asked_for(error: AimagerError, hint: str) -> None:
    build = read_build({"board": "x64-uefi", "repo-url-core": "https://a.example"}, Path("/"))
    assert build
    assert hint_of(error, build.id, [build], Path("/log")) == hint
    of_host = hint_of(error, "host-platform.keyring", [build], Path("/log"))
    assert of_host == hint.replace("-core=", "-parent="), "its repositories are others"
    other = read_build({"board": "rpi4", "repo-url-extra": "https://a.example"}, Path("/"))
    assert other
    for order in ([build, other], [other, build]):
        assert hint_of(error, build.id, order, Path("/log")) == hint, "each by its own words"


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (artifacts.RUN / "pack-image.x/root", str(artifacts.CACHE)),
        (str(artifacts.runs() / "1-a/view/x/y/z"), str(artifacts.CACHE)),
        (str(artifacts.CACHE / "pkg/x"), str(artifacts.CACHE / "pkg/x")),
        ("/srv/x", "/srv/x"),
        (None, "a file"),
    ],
)
def test_no_folder_of_a_run_is_told(place: Path | str | None, told: str) -> None:
    failed = actions.reporting(fail, [OSError(errno.ENOSPC, "No space left", place)])
    assert failed
    assert failed.message.startswith(f"{told}: No space left\n  hint: make room")
