"""A task runs only where the cache does not hold its product, and says why when it runs."""

import dataclasses
import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from aimager.codec import encode
from aimager.errors import ConfigError
from aimager.files import publish_text, sha256
from aimager.model.lock import Lock, write_lock
from aimager.model.settings import Password, Settings
from aimager.products.record import RECORD, Record, read_record
from aimager.products.task import CachedTask
from tests.support.locked import make_package
from tests.support.staged import Shout, build, finish, hear, product, runs, shout, start
from tests.support.waiting import touched_once_waited_for

SETUP = Settings("pi", passwords=(Password("alice", "hunter2"),))


@dataclass(frozen=True)
class FirstWord(Shout):
    """Makes the first word only, and is known by it."""

    by_content: ClassVar[bool] = True

    def run(self) -> None:
        """Make it."""
        super().run()
        publish_text(self.target, self.target.read_text().split()[0])


@dataclass(frozen=True)
class Nothing(Shout):
    """Makes nothing, as where the product was not available."""

    def run(self) -> None:
        """Make nothing."""


@dataclass(frozen=True)
class Failing(Shout):
    """Fails when half is made."""

    def run(self) -> None:
        """Fail."""
        publish_text(self.target, "HALF")
        raise ConfigError("it cannot be made")


@dataclass(frozen=True)
class Known(Shout):
    """Knows by itself whether its product is there."""

    def restore(self) -> str:
        """Why not."""
        if not self.diary.exists():
            return "nothing was fetched"
        self.predict()
        return ""

    def predict(self) -> None:
        """Lay it out."""
        publish_text(self.target, "KNOWN")


@dataclass(frozen=True)
class Secret(Shout):
    """Has a password among its settings."""

    setup: Settings = SETUP


def as_a(kind: type[Shout], task: CachedTask) -> CachedTask:
    """The same task of another stage."""
    stage = task.stage
    fields = {f.name: getattr(stage, f.name) for f in dataclasses.fields(stage)}
    return dataclasses.replace(task, stage=kind(**fields))


def record_of_view(task: CachedTask) -> Record:
    record = read_record(task.kept.view)
    assert record
    return record


def edit_record(task: CachedTask, **changes: object) -> None:
    """Change what is recorded of the only kept product."""
    folder = product(task)
    record = dataclasses.replace(read_record(folder), **changes)  # type: ignore[type-var]
    (folder / RECORD).write_text(json.dumps(encode(record)))


def chain(cache: Path, run: str, source: Path, kind: type[Shout] = Shout) -> list[CachedTask]:
    """Two tasks, the second of which reads what the first makes."""
    first = as_a(kind, shout(cache, run, source, task="first"))
    return [first, shout(cache, run, first.kept.view / "loud.txt", task="second")]


def test_it_runs_once_and_says_why(
    cache: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(shout(cache, "r1", source))
    assert capsys.readouterr().out == "shout:x: it has not been made before\n"
    task = shout(cache, "r2", source)
    assert task.explain() == ""
    assert task.is_done()
    assert capsys.readouterr().out == ""
    assert (task.kept.view / "loud.txt").read_text() == "HELLO THERE"
    assert build(shout(cache, "r3", source, "again"))
    assert capsys.readouterr().out == "shout:x: words: again added\n"
    assert not build(shout(cache, "r4", source))
    assert runs(cache) == 2


def test_a_product_that_has_come_by_now_is_used(
    cache: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = shout(cache, "r1", source)
    assert not task.is_done()
    build(shout(cache, "r2", source))
    capsys.readouterr()
    task.run()
    assert capsys.readouterr().out == "shout:x: it is there by now\n"
    assert (task.kept.view / "loud.txt").exists()


def test_who_waited_says_so(cache: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    go = cache / "go"
    running = start("build_there", cache, "r1", source, go)
    hear(running)
    with touched_once_waited_for(cache / "product/shout", go):
        shout(cache, "r2", source).run()
    assert capsys.readouterr().out == "shout:x: another build has made it meanwhile\n"
    finish(running)


def test_who_waited_for_a_killed_maker_makes_it(cache: Path, source: Path) -> None:
    running = start("build_there", cache, "r1", source, cache / "never")
    hear(running)
    waiting = start("build_there", cache, "r2", source, 0)
    running.kill()
    assert "ran: True, HELLO THERE" in finish(waiting)
    running.communicate()


def test_what_is_recorded(cache: Path, source: Path) -> None:
    lock = source.with_name("lock.json")
    lock.write_text(write_lock(Lock("p", (), (make_package("zlib"),))))
    first, second = chain(cache, "r1", lock)
    build(first)
    build(second)
    one, two = record_of_view(first), record_of_view(second)
    assert one.packages == {}  # the stage does not call it a lock
    assert one.made_from == {"source": sha256(lock)}
    assert one.ancestors == {}
    assert two.ancestors == {"first:x": one.id}
    assert two.derivation.inputs == {"source": one.id}
    assert two.made_from == {"source": one.files[0].sha256}
    assert [file.name for file in two.files] == ["loud.txt"]


def test_what_cannot_be_had_is_not_kept(cache: Path, source: Path) -> None:
    assert build(as_a(Nothing, shout(cache, "r1", source)))
    task = as_a(Nothing, shout(cache, "r2", source))
    assert build(task)
    assert not list(task.kept.folder.glob("[!.]*"))


def test_what_fails_is_not_kept_and_keeps_nobody_waiting(cache: Path, source: Path) -> None:
    for run in ("r1", "r2"):
        task = as_a(Failing, shout(cache, run, source))
        with pytest.raises(ConfigError):
            build(task)
        assert not list(task.kept.folder.glob("[!.]*"))
    assert build(shout(cache, "r3", source))


@pytest.mark.parametrize(("kind", "reruns"), [(FirstWord, 1), (Shout, 2)])
def test_what_comes_out_the_same_ends_it_early(
    cache: Path, source: Path, kind: type[Shout], reruns: int
) -> None:
    """By its content; else all that follows is made again."""
    for run, text in (("r1", "hello there"), ("r2", "hello you")):
        source.write_text(text)
        for task in chain(cache, run, source, kind):
            build(task)
    assert runs(cache, "first") == 2
    assert runs(cache, "second") == reruns
    source.write_text("good bye")
    for task in chain(cache, "r3", source, kind):
        build(task)
    assert runs(cache, "second") == reruns + 1


def test_what_ends_it_early_may_change_back(cache: Path, source: Path) -> None:
    for run, text in (("r1", "hello"), ("r2", "bye"), ("r3", "hello")):
        source.write_text(text)
        for task in chain(cache, run, source, FirstWord):
            build(task)
    assert (task.kept.view / "loud.txt").read_text() == "HELLO"
    assert runs(cache, "first") == runs(cache, "second") == 2


def test_a_task_may_know_by_itself(
    cache: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = as_a(Known, shout(cache, "r1", source))
    assert build(task)
    assert capsys.readouterr().out == "shout:x: nothing was fetched\n"
    assert not build(as_a(Known, shout(cache, "r2", source)))
    assert runs(cache) == 1
    assert not task.kept.folder.exists()


def test_a_line_says_something_whatever_came_meanwhile(
    cache: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = as_a(Known, shout(cache, "r1", source))
    assert not task.is_done()
    (cache / "shout").touch()  # another build fetched it
    task.run()
    assert capsys.readouterr().out == "shout:x: it is there by now\n"


def test_no_secret_is_in_the_cache(cache: Path, source: Path) -> None:
    task = as_a(Secret, shout(cache, "r1", source))
    build(task)
    assert not build(as_a(Secret, shout(cache, "r2", source)))
    files = [path for path in cache.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert not [path for path in files if b"hunter2" in path.read_bytes()]


def test_the_whole_cache_holds_no_path(cache: Path, source: Path, tmp_path: Path) -> None:
    for task in chain(cache, "r1", source):
        build(task)
    for path in (cache / "product").rglob(RECORD):
        assert str(tmp_path) not in path.read_text()


def test_what_is_predicted_is_known_by_its_record(cache: Path, source: Path) -> None:
    build(shout(cache, "r1", source))
    task = shout(cache, "r2", source)
    (product(task) / "loud.txt").unlink()
    task.predict()
    assert [path.name for path in task.kept.view.iterdir()] == [RECORD]
    unknown = shout(cache, "r3", source, "never")
    unknown.predict()
    assert not unknown.kept.view.exists()
    known = as_a(Known, shout(cache, "r4", source))
    known.predict()
    assert (known.kept.view / "loud.txt").read_text() == "KNOWN"


def test_a_task_crosses_to_another_process(cache: Path, source: Path) -> None:
    task = shout(cache, "r1", source)
    assert pickle.loads(pickle.dumps(task)) == task
