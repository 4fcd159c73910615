"""An errand is one process, of which nothing is left however it ends."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from aimager.cluster import child
from aimager.cluster.child import Place, do_errand, own_words
from aimager.cluster.errand import (
    Described,
    Errand,
    Outcome,
    outcome_text,
    read_errand,
    read_outcome,
)
from aimager.errors import HostError
from aimager.products.errand import Expected
from tests.support.played_errand import PLAYED

STORE = {"remote": "file:///store"}


@pytest.fixture(autouse=True)
def _played(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_COMMAND", "tests.support.played_errand")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place("one:1", tmp_path / "cache")


def errand(kind: str) -> Errand:
    return Errand(Expected(kind, "id", "code"), Described(STORE), "lock", 1)


def left(place: Place) -> list[Path]:
    return [p for name in ("work", "errands") for p in (place.cache / name).glob("*")]


def do(kind: str, place: Place) -> tuple[Outcome | None, list[Mapping[str, Any]]]:
    records: list[Mapping[str, Any]] = []
    outcome = do_errand(errand(kind), place, records.append, lambda: True)
    assert left(place) == []
    return outcome, records


def test_what_it_says_is_passed_on(place: Place) -> None:
    outcome, records = do("well", place)
    assert outcome == Outcome("one:1", log_folder=str(place.cache / "log"))
    assert [record["text"] for record in records] == [f"   begun in {place.cache}"]


def test_a_failure_is_told_as_here(place: Place, tmp_path: Path) -> None:
    outcome, _ = do("fail", place)
    assert outcome
    assert outcome.logs == {"a:b": "said by programs"}
    said = outcome.told(tmp_path / "here")
    log = tmp_path / "here/a:b.log"
    assert said == f"it is wrong (on one:1)\n  hint: all that it said is in {log}"


@pytest.mark.parametrize(
    ("kind", "fault"),
    [("refuse", "no such thing\n  hint: none"), ("die", "die was killed by SIGKILL")],
)
def test_one_that_ends_without_a_word(place: Place, kind: str, fault: str) -> None:
    outcome, _ = do(kind, place)
    assert outcome
    assert outcome.fault.startswith(fault)


def test_what_is_not_wanted_ends_at_once(place: Place) -> None:
    begun: list[float] = []

    def hear(record: Mapping[str, Any]) -> None:
        begun.append(time.monotonic())

    assert do_errand(errand("sleep"), place, hear, lambda: not begun) is None
    assert time.monotonic() - begun[0] < PLAYED
    assert left(place) == []


def test_a_worker_s_own_words_go_first() -> None:
    sent = {"board": "x", "remote": "file:///a", "remote-unsigned": "yes"}
    assert own_words(sent, {}) == sent
    own = {"remote": "file:///b", "remote-key": "/k"}
    assert own_words(sent, own) == {"board": "x", **own}
    with pytest.raises(HostError, match="holds credentials"):
        own_words({"board": "x"}, {})


def test_what_crosses_comes_back() -> None:
    sent = errand("a:b")
    assert read_errand(sent.to_text()) == sent
    outcome = Outcome("w", "fault", {"a": "log"}, "/log")
    assert read_outcome(outcome_text(outcome)) == outcome
    with pytest.raises(ValueError, match="has no more"):
        read_outcome('{"worker": "w", "more": 1}')
