"""What a build would do is told in order, and nothing of it is done."""

import os
from pathlib import Path

import pytest

from aimager.products.dry_run import UP_TO_DATE, predict_runs
from aimager.products.record import RECORD
from aimager.products.task import CachedTask
from tests.products.test_task import FirstWord, Known, as_a, chain
from tests.support.staged import build, product, runs, shout


def three(cache: Path, source: Path) -> list[CachedTask]:
    """Tasks, each of which reads what the one before it makes, in a run of their own."""
    run = os.urandom(4).hex()
    first, second = chain(cache, run, source)
    return [first, second, shout(cache, run, second.kept.view / "loud.txt", task="third")]


def test_nothing_is_known_yet(cache: Path, source: Path) -> None:
    assert list(predict_runs(three(cache, source))) == [
        "first:x: it has not been made before",
        "second:x: follows first:x",
        "third:x: follows second:x",
    ]
    assert runs(cache, "first") == 0
    assert not (cache / "product/first/x").exists()


def test_how_a_product_is_made_is_told_with_the_reason(
    cache: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = three(cache, source)[:1]
    monkeypatch.setattr(type(tasks[0].stage), "remark", lambda _: "by hand", raising=False)
    assert list(predict_runs(tasks)) == ["first:x: it has not been made before (by hand)"]
    build(tasks[0])
    assert list(predict_runs(tasks)) == [f"first:x: {UP_TO_DATE}"]


def test_all_is_there(cache: Path, source: Path) -> None:
    for task in three(cache, source):
        build(task)
    for _ in range(2):
        said = list(predict_runs(three(cache, source)))
        assert said == [f"{name}:x: {UP_TO_DATE}" for name in ("first", "second", "third")]


def test_what_is_damaged_is_told_and_what_follows_is_known(cache: Path, source: Path) -> None:
    """The product's id is known from its record, so what follows it need not run."""
    tasks = three(cache, source)
    for task in tasks:
        build(task)
    (product(tasks[1]) / "loud.txt").unlink()
    assert list(predict_runs(three(cache, source))) == [
        f"first:x: {UP_TO_DATE}",
        "second:x: loud.txt is missing",
        f"third:x: {UP_TO_DATE}",
    ]
    (product(tasks[1]) / RECORD).unlink()
    assert list(predict_runs(three(cache, source)))[1:] == [
        "second:x: it has not been made before",
        "third:x: follows second:x",
    ]
    assert runs(cache, "second") == 1


def test_a_task_that_predicts_its_product_lets_others_go_on(cache: Path, source: Path) -> None:
    run = "r"
    first = as_a(Known, shout(cache, run, source, task="first"))
    second = shout(cache, run, first.kept.view / "loud.txt", task="second")
    assert list(predict_runs([first, second])) == [
        "first:x: nothing was fetched",
        "second:x: it has not been made before",
    ]
    assert runs(cache, "first") == runs(cache, "second") == 0


def test_what_comes_out_the_same_is_not_predicted_when_it_is_not_known(
    cache: Path, source: Path
) -> None:
    for task in chain(cache, "r1", source, FirstWord):
        build(task)
    source.write_text("hello you")
    assert list(predict_runs(chain(cache, "r2", source, FirstWord))) == [
        "first:x: source changed",
        "second:x: follows first:x",
    ]
