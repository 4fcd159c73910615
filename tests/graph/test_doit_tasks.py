"""Stages become tasks that run where the cache does not hold what they make."""

import shutil
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from doit.exceptions import TaskFailed

from aimager.config.builds import read_builds
from aimager.errors import ConfigError
from aimager.graph import actions
from aimager.graph import doit_tasks as doit_support
from aimager.graph.doit_tasks import Graph, Stages
from aimager.graph.plan import most_trees
from aimager.graph.runner import PRODUCT
from aimager.model.workshop import Workshop
from aimager.products.cache import Kept
from aimager.products.delivery import DeliveredTask, Delivery
from aimager.products.stage import Stage, settings
from aimager.products.task import CachedTask
from tests.support.staged import Shout, runs, shout

WORKSHOP = Workshop(Path("cache"), Path("work"), Path("store"), Path("log"))


@dataclass(frozen=True)
class Worked(Shout):
    """Has a workshop, as the stages of builds have."""

    workshop: Workshop = field(default=WORKSHOP, metadata={"identity": False})


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that are held for a run; none is, in truth."""
    folders: list[Path] = []
    monkeypatch.setattr(doit_support, "hold_run_folder", folders.append)
    return folders


def loud_stage(tmp_path: Path) -> Stage:
    """A stage that reads what another task makes."""
    made = tmp_path / "view/first/x/source"
    made.parent.mkdir(parents=True)
    made.write_text("hello")
    stage: Any = shout(tmp_path / "cache", "run", made).stage
    return Worked(**{f.name: getattr(stage, f.name) for f in fields(stage)})


@pytest.fixture
def loud(tmp_path: Path) -> Stage:
    """The same, as an argument."""
    return loud_stage(tmp_path)


def make_graph(tmp_path: Path, boards: str = "", **attention: Any) -> Graph:
    """A graph in whose view products lie as in the cache's."""

    def maker(path: Path) -> str | None:
        inside = path.is_relative_to(tmp_path / "view")
        return ":".join(path.relative_to(tmp_path / "view").parts[:2]) if inside else None

    def kept(task: str, subject: str) -> Kept:
        work = tmp_path / "cache/work/run/view"
        return Kept(tmp_path / "cache/product" / task / subject, work / task / subject)

    known = read_builds({"board": boards}, tmp_path) if boards else ()
    return Graph(
        tmp_path / "run",
        known,
        jobs=3,
        kept=kept,
        workshop=lambda task, subject: replace(WORKSHOP, work=Path(f"{task}.{subject}")),
        maker=maker,
        **attention,
    )


def is_done(task: dict[str, Any]) -> bool:
    """Ask what doit asks."""
    ((function, arguments),) = task["uptodate"]
    answer: bool = function(*arguments)
    return answer


def run(task: dict[str, Any]) -> object:
    """Do what doit does."""
    ((function, arguments),) = task["actions"]
    return function(*arguments)


def test_a_task(tmp_path: Path, loud: Stage) -> None:
    graph = make_graph(tmp_path)
    (task,) = graph.stage("shout", "x", loud)
    (made,) = graph.tasks
    assert type(made) is CachedTask
    assert (made.task, made.subject, made.title) == ("shout", "x", "shout:x")
    assert settings(made.stage) == settings(loud)
    del task["uptodate"], task["actions"]
    assert task.pop("meta") == {PRODUCT: made.product_id}
    assert task == {
        "basename": "shout",
        "name": "x",
        "task_dep": ["first:x"],
        "targets": [str(tmp_path / "cache/work/run/view/shout/x/loud.txt")],
    }


def test_stages_become_tasks_named_as_their_function(tmp_path: Path, loud: Any) -> None:
    graph = make_graph(tmp_path)

    @graph.stages
    def task_shout_at() -> Stages:
        """say it loudly"""
        given = {f.name: getattr(loud, f.name) for f in fields(loud) if f.name != "workshop"}
        yield "x", partial(Worked, **given)

    all_of_them, task = task_shout_at()
    assert all_of_them == {"basename": "shout-at", "name": None, "doc": "say it loudly"}
    assert (task["basename"], task["name"]) == ("shout-at", "x")
    (made,) = graph.tasks
    stage: Any = made.stage
    assert stage.workshop.work == Path("shout-at.x")


def test_a_task_runs_once(tmp_path: Path, loud: Stage, held: list[Path]) -> None:
    (task,) = make_graph(tmp_path).stage("shout", "x", loud)
    assert not is_done(task)
    assert held == [tmp_path / "run"]
    assert run(task) is None
    assert is_done(task)
    assert runs(tmp_path / "cache") == 1


def test_the_builds_own_tasks_are_titled_shortly(tmp_path: Path, loud: Stage) -> None:
    graph = make_graph(tmp_path, "x64-uefi")
    graph.stage("shout", "archlinux-x86_64-x64-uefi", loud)
    graph.stage("shout", "other", loud)
    assert [task.title for task in graph.tasks] == ["shout", "shout:other"]
    graph = make_graph(tmp_path, "x64-uefi,x64-legacy")
    graph.stage("shout", "archlinux-x86_64-x64-uefi", loud)
    assert [task.title for task in graph.tasks] == ["shout:archlinux-x86_64-x64-uefi"]


def test_what_several_builds_need_is_one_task(tmp_path: Path, loud: Stage) -> None:
    graph = make_graph(tmp_path, "x64-uefi,x64-legacy")
    assert len(graph.stage("shout", "x", loud)) == 1
    assert graph.stage("shout", "x", replace(loud)) == []
    assert len(graph.tasks) == 1
    with pytest.raises(ConfigError, match="need shout:x made in different ways"):
        graph.stage("shout", "x", replace(loud, words=("more",)))


def test_what_a_task_needs(tmp_path: Path, loud: Any) -> None:
    """A keyring of the host's platform, say, is in the graph of a build that does without it."""
    graph = make_graph(tmp_path)
    first = replace(loud, source=tmp_path / "given", target=loud.source)
    idle = replace(first, target=tmp_path / "view/idle/x/source")
    for name, stage in (("idle", idle), ("first", first), ("last", loud)):
        graph.stage(name, "x", stage)
    assert [task.task for task in graph.needed_for("last")] == ["first", "last"]


@pytest.mark.parametrize(("boards", "jobs"), [("", 1), ("x64-uefi", 1), ("x64-uefi,x64-legacy", 2)])
def test_stages_share_the_machine_with_as_many_as_hold_trees(
    tmp_path: Path, loud: Stage, boards: str, jobs: int
) -> None:
    graph = make_graph(tmp_path, boards)
    graph.stage("shout", "x", loud)
    stage: Any = graph.tasks[0].stage
    assert stage.workshop.jobs == jobs


def test_what_is_installed_again_is_beside_the_first(tmp_path: Path) -> None:
    builds = read_builds({"board": "x64-uefi", "check-twice": "yes"}, tmp_path)
    assert most_trees(builds) == 4


def test_what_is_for_the_user_is_brought(tmp_path: Path, loud: Stage, held: list[Path]) -> None:
    graph = make_graph(tmp_path)
    delivery = Delivery(tmp_path / "out", tmp_path / "cache/delivered.json")
    (task,) = graph.stage("shout", "x", loud, delivery=delivery)
    assert task["targets"] == [str(tmp_path / "out/loud.txt")]
    (made,) = graph.tasks
    assert isinstance(made, DeliveredTask)
    assert not is_done(task)
    run(task)
    assert (tmp_path / "out/loud.txt").read_text() == "HELLO"
    (tmp_path / "out/loud.txt").unlink()
    assert not is_done(task)
    assert held


@pytest.mark.usefixtures("held")
def test_what_is_made_again_is_made_where_it_is_kept(tmp_path: Path, loud: Stage) -> None:
    for count in (1, 2):
        (task,) = make_graph(tmp_path, anew=True).stage("shout", "x", loud)
        assert run(task) is None
        assert runs(tmp_path / "cache") == count


def test_a_task_alone_reads_what_is_kept(tmp_path: Path, loud: Any) -> None:
    first = Worked(**{**vars(loud), "source": tmp_path / "given", "target": loud.source})
    (tmp_path / "given").write_text("hello")
    loud.source.unlink()

    def two(**how: Any) -> list[dict[str, Any]]:
        graph = make_graph(tmp_path, **how)
        usual = graph._kept
        seen = tmp_path / "view/first/x"
        graph._kept = lambda *of: replace(usual(*of), view=seen) if of[0] == "first" else usual(*of)
        return [*graph.stage("first", "x", first), *graph.stage("shout", "x", loud)]

    told = run(two(alone=True)[1])
    assert isinstance(told, TaskFailed)
    assert told.message.startswith("first:x makes what shout:x reads, and has not been run\n")
    assert run(two()[0]) is None
    shutil.rmtree(tmp_path / "view")
    assert run(two(alone=True)[1]) is None


@pytest.mark.parametrize("error", [ConfigError("no lock"), FileNotFoundError(2, "gone")])
def test_an_error_in_asking_is_the_tasks_own(
    tmp_path: Path,
    loud: Stage,
    held: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    (task,) = make_graph(tmp_path).stage("shout", "x", loud)
    monkeypatch.setattr(CachedTask, "is_done", lambda _: fail(error))
    assert not is_done(task)
    assert held
    monkeypatch.setattr(CachedTask, "is_done", lambda _: fail(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        is_done(task)


def test_a_task_whose_input_does_not_exist_yet_is_not_done(
    tmp_path: Path, loud: Stage, held: list[Path]
) -> None:
    (tmp_path / "view/first/x/source").unlink()
    (task,) = make_graph(tmp_path).stage("shout", "x", loud)
    assert not is_done(task)
    assert held


def fail(error: Exception) -> None:
    raise error


def test_an_error_is_told_without_a_traceback_and_a_bug_is_not() -> None:
    failed = actions.reporting(fail, [ConfigError("it is wrong", hint="mend it")])
    assert isinstance(failed, TaskFailed)
    assert failed.message == "it is wrong\n  hint: mend it"
    done: list[int] = []
    assert actions.reporting(done.append, [1]) is None
    assert done == [1]
    with pytest.raises(ZeroDivisionError):
        actions.reporting(fail, [ZeroDivisionError()])


def test_a_commands_options_are_arguments_by_name() -> None:
    given: list[object] = []

    def action(word: str, *, as_json: bool) -> None:
        given.extend((word, as_json))

    option = {"name": "as_json", "long": "json", "type": bool, "default": False}
    task = actions.command(action, "word", options=[option])
    ((function, arguments),) = task["actions"]
    assert task["params"] == [option]
    assert function(*arguments, as_json=True) is None
    assert given == ["word", True]
