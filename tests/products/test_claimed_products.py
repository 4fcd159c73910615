"""A task waits for another machine that makes its product, and only when it is run."""

import dataclasses
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from aimager.products.remote.claims import claim_path, new_claim, write_claim
from aimager.products.remote.transport import write
from aimager.products.task import CachedTask
from tests.products.test_products import files_in, task_on
from tests.support.claiming import hurry
from tests.support.staged import Shout, build, runs


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


def claim(task: CachedTask) -> None:
    """Let another machine have claimed the product of a task."""
    folder = f"product/shout/{task.product_id()}"
    other = dataclasses.replace(new_claim(folder), host="builder7", age=80, process=None)
    assert task.remote
    write(task.remote, claim_path(folder, 1), write_claim(other))


def build_all(tasks: Sequence[CachedTask]) -> None:
    """Build at the same time."""
    threads = [threading.Thread(target=build, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_four_machines_make_it_once(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("one", "two", "three", "four")
    tasks = [task_on(tmp_path / name, source) for name in names]
    tasks = [
        dataclasses.replace(task, stage=dataclasses.replace(as_shout(task), pause=1.5))
        for task in tasks
    ]
    build_all(tasks)
    assert sum(runs(tmp_path / name) for name in names) == 1
    said = capsys.readouterr().out
    assert said.count("has just begun to make it: waiting") == 3
    assert said.count("shout:x: taken from the remote store, 11 B") == 3
    found = files_in(tmp_path / "store")
    assert found == {"loud.txt", "record.json", "record.json.sig", "used"}


def as_shout(task: CachedTask) -> Shout:
    """Its stage."""
    assert isinstance(task.stage, Shout)
    return task.stage


def test_who_is_waited_for_is_told_and_asking_why_waits_for_nobody(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = task_on(tmp_path / "one", source)
    claim(task)
    before = time.monotonic()
    assert task.explain() == "it has not been made before"
    assert not task.is_done()
    assert time.monotonic() - before < 1
    task.run()
    assert capsys.readouterr().out == (
        "shout:x: builder7 has been making it for 1 min 20 s: waiting\n"
        "shout:x: it has not been made before\n"
    )


def test_what_is_made_again_as_asked_waits_for_nobody(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = dataclasses.replace(task_on(tmp_path / "one", source), anew=True)
    claim(task)
    task.run()
    assert capsys.readouterr().out == "shout:x: it is made again as asked\n"


def test_what_is_not_shared_is_not_claimed(tmp_path: Path, source: Path) -> None:
    task = task_on(tmp_path / "one", source, Shout)
    claim(task)
    before = time.monotonic()
    build(task)
    assert time.monotonic() - before < 1
