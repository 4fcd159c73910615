"""What another machine asks for is made, or refused, and is then in the store."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from aimager.errors import HostError
from aimager.model.remote import Remote
from aimager.products.errand import Note, away_notes, expect, read_note, write_note
from aimager.products.fulfil import is_expected, run_as_expected
from aimager.products.remote.products import is_given
from aimager.products.task import CachedTask
from tests.support.signers import UNSIGNED
from tests.support.staged import Shout, shout


@dataclass(frozen=True)
class Shared(Shout):
    """A stage whose product goes to the store."""

    shared: ClassVar[bool] = True


@pytest.fixture
def store(tmp_path: Path) -> Remote:
    return Remote(f"file://{tmp_path / 'store'}", tmp_path / "run/remote", UNSIGNED)


def loud(cache: Path, source: Path, remote: Remote, run: str = "run") -> CachedTask:
    task = shout(cache, run, source)
    stage: Any = task.stage
    shared = Shared(source, (), stage.target, diary=stage.diary, pause=0.0)
    return replace(task, stage=shared, remote=remote)


def test_it_goes_to_the_store_even_if_it_was_made_before(
    cache: Path, source: Path, store: Remote, tmp_path: Path
) -> None:
    task = loud(cache, source, store)
    expected = expect(task.name, task.derivation())
    assert is_expected(task, expected)
    for _ in range(2):
        run_as_expected(task, expected)
        assert is_given(store, task.task, expected.id)
        shutil.rmtree(tmp_path / "store")
    assert (cache / "shout").read_text() == "ran\n"


def test_other_code_and_other_words_are_refused(cache: Path, source: Path, store: Remote) -> None:
    task = loud(cache, source, store)
    expected = expect(task.name, task.derivation())
    with pytest.raises(HostError, match="is another version than"):
        run_as_expected(task, replace(expected, id="x", code="y"))
    with pytest.raises(HostError, match=r"shout:x would be another product .*: words differs"):
        run_as_expected(task, replace(expected, id="x", settings={"words": '["more"]'}))
    assert not (cache / "shout").exists()


def test_what_was_not_asked_for_is_run_as_ever(cache: Path, source: Path, store: Remote) -> None:
    task = loud(cache, source, store)
    expected = replace(expect(task.name, task.derivation()), task="another", id="x")
    run_as_expected(task, expected)
    assert task.is_done()


def test_a_store_that_takes_nothing_is_a_failure(cache: Path, source: Path, tmp_path: Path) -> None:
    (tmp_path / "store").touch()
    store = Remote(f"file://{tmp_path / 'store'}", tmp_path / "run/remote", UNSIGNED)
    task = loud(cache, source, store)
    with pytest.raises(HostError, match="did not take what shout:x has made"):
        run_as_expected(task, expect(task.name, task.derivation()))


def test_what_a_worker_has_put_elsewhere_is_a_failure(
    cache: Path, source: Path, store: Remote, tmp_path: Path
) -> None:
    notes = away_notes(tmp_path / "run")
    task = replace(loud(cache, source, store), notes=notes)
    assert read_note(notes, task.name) is None
    note = Note("id", "one:1")
    write_note(notes, task.name, note)
    assert read_note(notes, task.name) == note
    with pytest.raises(HostError, match="one:1 has put what shout:x makes into its store, and"):
        task.run()
    write_note(notes, task.name, Note("id", ""))
    task.run()
    assert task.is_done()


def test_it_is_said_where_it_was_made(
    cache: Path, source: Path, store: Remote, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = loud(tmp_path / "worker", source, store)
    run_as_expected(task, expect(task.name, task.derivation()))
    notes = away_notes(tmp_path / "run")
    write_note(notes, task.name, Note("id", "one:1"))
    here = replace(loud(cache, source, store), notes=notes)
    here.run()
    assert (
        "shout:x: made on one:1, and taken from the remote store, 11 B" in capsys.readouterr().out
    )
