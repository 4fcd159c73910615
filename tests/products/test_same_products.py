"""What was made of the same for another subject is not made again."""

import dataclasses
from pathlib import Path

import pytest

from aimager.products.record import Record, read_record
from aimager.products.task import CachedTask
from tests.support.staged import build, finish, hear, other_subject, product, runs, shout, start
from tests.support.waiting import touched_once_waited_for


def record_of_view(task: CachedTask) -> Record:
    """The record that the run sees."""
    record = read_record(task.kept.view)
    assert record
    return record


def test_what_another_subject_made_of_the_same_is_taken(
    cache: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = shout(cache, "r1", source)
    build(task)
    other = other_subject(task, "r1")
    assert other.explain() == "it is the same as that of x"
    capsys.readouterr()
    assert build(other)
    assert capsys.readouterr().out == "shout:y: it is the same as that of x\n"
    assert runs(cache) == 1
    record = record_of_view(other)
    assert record == dataclasses.replace(record_of_view(task), subject="y")
    assert (other.kept.view / "loud.txt").samefile(product(task) / "loud.txt")
    assert not build(other_subject(task, "r2"))


def test_a_damaged_one_of_another_subject_is_not_taken(cache: Path, source: Path) -> None:
    task = shout(cache, "r1", source)
    build(task)
    (product(task) / "loud.txt").write_text("SILENCE")
    build(other_subject(task, "r1"))
    assert runs(cache) == 2
    assert (cache / "product/shout/y").is_dir()


def test_who_makes_the_same_for_another_subject_is_waited_for(cache: Path, source: Path) -> None:
    go = cache / "go"
    running = start("build_there", cache, "r1", source, go)
    hear(running)
    other = other_subject(shout(cache, "r2", source), "r2")
    with touched_once_waited_for(cache / "product/shout", go):
        assert build(other)
    assert runs(cache) == 1
    finish(running)
