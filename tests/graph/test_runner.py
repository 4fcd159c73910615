"""Tasks that do not need each other run at the same time, and all else is as with one process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from doit.control import TaskControl
from doit.dependency import Dependency, SqliteDB
from doit.exceptions import TaskFailed
from doit.runner import FAILURE, SUCCESS
from doit.task import Stream, dict_to_task

from aimager.graph.runner import LEAVES_NOTHING, PRODUCT, SideBySide
from tests.support.places import ROOT
from tests.support.waiting import wait_until


class Heard:
    """A reporter that keeps what failures say."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def add_failure(self, task: Any, failure: Any) -> None:
        self.faults.append(failure.get_msg())

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


def task(name: str, action: Callable[..., object], *needs: str, product: str = "") -> Any:
    """A task that makes the ``product``, of its own name if none is given."""
    return dict_to_task(
        {
            "name": name,
            "actions": [(action, [name])],
            "task_dep": list(needs),
            "meta": {PRODUCT: lambda: product or name},
        }
    )


def helper(name: str, action: Callable[..., object], *needs: str) -> Any:
    """A task that leaves nothing."""
    made = task(name, action, *needs)
    made.meta[LEAVES_NOTHING] = True
    return made


def run(tasks: Sequence[Any], heard: Heard | None = None, *, jobs: int = 2) -> int:
    control = TaskControl(list(tasks))
    control.process(None)
    given = (Dependency(SqliteDB, ":memory:"), heard or Heard(), False, False, Stream(0))
    status: int = SideBySide(*given, jobs=jobs).run_all(control.task_dispatcher())
    return status


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    path = tmp_path / "diary"
    path.touch()
    return path


@pytest.fixture
def note(diary: Path) -> Callable[[str], None]:
    """An action that takes down in which process it ran."""

    def note(name: str) -> None:
        with diary.open("a") as stream:
            stream.write(f"{name} {os.getpid()}\n")

    return note


def processes(diary: Path) -> dict[str, int]:
    """In which process each task ran, in the order of their ends."""
    lines = (line.split() for line in diary.read_text().splitlines())
    return {name: int(number) for name, number in lines}


def meeting(folder: Path, *others: str) -> Callable[[str], None]:
    """An action that ends once those of ``others`` have begun as well."""

    def meet(name: str) -> None:
        (folder / name).touch()
        wait_until(lambda: all((folder / other).exists() for other in others))

    return meet


def test_what_does_not_need_each_other_runs_at_the_same_time(tmp_path: Path) -> None:
    meet = meeting(tmp_path, "one", "two")
    assert run([task("one", meet), task("two", meet)]) == SUCCESS


def test_a_chain_stays_in_one_process_beside_others(
    tmp_path: Path, diary: Path, note: Callable[[str], None]
) -> None:
    meet = meeting(tmp_path, "base", "fetch")

    def first(name: str) -> None:
        meet(name)
        time.sleep(0.2 if name == "base" else 0.4)  # what ends last is not what took most in all
        note(name)

    def slow(name: str) -> None:
        time.sleep(0.4)
        note(name)

    chain = [task("base", first), task("fetch", first), task("more", slow, "base")]
    chain += [task("system", note, "more", "fetch", "base"), task("image", note, "system")]
    assert run(chain) == SUCCESS
    found = processes(diary)
    assert found["base"] == found["more"] == found["system"] == found["image"] != found["fetch"]
    assert os.getpid() not in found.values()


def test_what_goes_on_with_the_last_comes_before_others(
    diary: Path, note: Callable[[str], None]
) -> None:
    systems = [task(f"system{n}", note, "base") for n in range(3)]
    images = [task(f"image{n}", note, f"system{n}") for n in range(3)]
    assert run([task("base", note), *systems, *images]) == SUCCESS
    found = processes(diary)
    del found["base"]
    for process in set(found.values()):
        order = [name for name, number in found.items() if number == process]
        assert order[1::2] == [name.replace("system", "image") for name in order[::2]]


def test_what_another_is_making_is_waited_for(tmp_path: Path, diary: Path) -> None:
    def make(name: str) -> None:
        lock = tmp_path / "at work"
        lock.mkdir()
        time.sleep(0.1)
        lock.rmdir()
        with diary.open("a") as stream:
            stream.write(f"{name} {os.getpid()}\n")

    assert run([task(f"make:{n}", make, product="same") for n in range(3)]) == SUCCESS
    assert list(processes(diary)) == ["make:0", "make:1", "make:2"]


def test_what_leaves_nothing_runs_beside_all_others(tmp_path: Path) -> None:
    meet = meeting(tmp_path, "one", "two", "help")
    tasks = [task("one", meet), task("two", meet), helper("help", meet), task("three", meet)]
    assert run(tasks) == SUCCESS


def test_it_has_a_process_of_its_own_which_is_nicer(
    tmp_path: Path, diary: Path, note: Callable[[str], None]
) -> None:
    """No other task runs there, though it has nothing to do, and no helper elsewhere."""

    def note_niceness(name: str) -> None:
        (tmp_path / name).write_text(str(os.nice(0)))
        note(name)

    helpers = [helper(f"help{n}", note_niceness) for n in range(3)]
    tasks = [task(f"task{n}", note_niceness, *(["help0"] if n else [])) for n in range(4)]
    assert run([*helpers, *tasks]) == SUCCESS
    found = processes(diary)
    assert len({found[one.name] for one in helpers}) == 1
    assert found["help0"] not in {found[one.name] for one in tasks}
    niceness = {one.name: int((tmp_path / one.name).read_text()) for one in (*helpers, *tasks)}
    own = os.nice(0)
    assert {niceness[one.name] for one in tasks} == {own}
    assert {niceness[one.name] for one in helpers} == {min(own + 5, 19)}


@pytest.mark.parametrize("helps", [True, False])
def test_nobody_is_hired_for_what_is_not_there(diary: Path, helps: bool) -> None:
    def count(name: str) -> None:
        children = Path(f"/proc/{os.getppid()}/task/{os.getppid()}/children").read_text().split()
        forked = [it for it in children if Path(f"/proc/{it}/cmdline").read_bytes() == own]
        diary.write_text(f"{name} {len(forked)}")

    own = Path("/proc/self/cmdline").read_bytes()
    tasks = [task("one", lambda _: None), task("two", count, "one")]
    tasks += [helper("help", lambda _: None)] if helps else []
    assert run(tasks, jobs=3) == SUCCESS
    assert processes(diary) == {"two": 3 if helps else 2}


def test_one_job_runs_here(diary: Path, note: Callable[[str], None]) -> None:
    assert run([task("one", note), task("two", note)], jobs=1) == SUCCESS
    assert processes(diary) == {"one": os.getpid(), "two": os.getpid()}


def test_what_makes_no_product_runs_here(diary: Path, note: Callable[[str], None]) -> None:
    shown = dict_to_task({"name": "show", "actions": [(note, ["show"])], "task_dep": ["one"]})
    assert run([task("one", note), shown]) == SUCCESS
    found = processes(diary)
    assert found["show"] == os.getpid() != found["one"]


def test_after_a_failure_nothing_begins_and_what_is_at_work_ends(
    tmp_path: Path, diary: Path, note: Callable[[str], None]
) -> None:
    meet = meeting(tmp_path, "bad", "long")

    def fail(name: str) -> bool:
        meet(name)
        return False

    def go_on(name: str) -> None:
        meet(name)
        time.sleep(0.2)
        note(name)

    heard = Heard()
    tasks = [task("bad", fail), task("long", go_on), task("after", note, "long")]
    assert run(tasks, heard) == FAILURE
    assert list(processes(diary)) == ["long"]
    assert len(heard.faults) == 1


@pytest.mark.parametrize("slow", ["first", "second"])
def test_of_two_failures_the_one_listed_first_is_told(tmp_path: Path, slow: str) -> None:
    meet = meeting(tmp_path, "first", "second")

    def fail(name: str) -> TaskFailed:
        meet(name)
        time.sleep(0.2 if name == slow else 0)
        return TaskFailed(f"{name} is wrong")

    heard = Heard()
    assert run([task("first", fail), task("second", fail)], heard) == FAILURE
    assert [fault.strip() for fault in heard.faults] == ["first is wrong"]


def test_a_process_that_is_killed_is_told_of() -> None:
    def die(_: str) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    heard = Heard()
    assert run([task("one", die), task("two", lambda _: None)], heard) == FAILURE
    (fault,) = heard.faults
    assert "one was killed by SIGKILL" in fault
    assert "memory" in fault


def test_what_is_done_ahead_may_be_killed() -> None:
    """What it helps goes on without, and another helper has another process."""

    def die(_: str) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    helpers = [helper("help0", die), helper("help1", die, "one")]
    tasks = [task("one", lambda _: None, "help0"), task("two", lambda _: None, "help1")]
    heard = Heard()
    assert run([*helpers, *tasks], heard) == SUCCESS
    assert not heard.faults


def test_an_interrupted_run_lets_tasks_clean_up_once(tmp_path: Path) -> None:
    def work(name: str) -> None:
        try:
            (tmp_path / name).touch()
            if name == "two":
                wait_until((tmp_path / "one").exists)
                os.kill(os.getppid(), signal.SIGINT)
            time.sleep(60)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)  # as if somebody asked again
            time.sleep(0.1)
            (tmp_path / name).unlink()

    with pytest.raises(KeyboardInterrupt):
        run([task("one", work), task("two", work)])
    assert list(tmp_path.iterdir()) == []


ENDLESS = """\
import os, time
from tests.graph.test_runner import run, task
def work(_):
    os.write(1, b"begun\\n")
    time.sleep(6000)
run([task("one", work)])
"""


def test_workers_end_with_the_main_process() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as doit:
        assert doit.stdout
        assert doit.stdout.readline() == "begun\n"
        doit.kill()
        assert doit.stdout.read() == "", "its end comes when the worker has ended, too"
