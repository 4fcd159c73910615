"""Builds at the same time on one cache: all succeed, with equal results, and share the work."""

import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.cells import HOST, Cell, build, fresh_folder, sums
from tests.support.doit_output import Said, read_output
from tests.support.runs import Doit, Shared, Warm

COUNTED = {
    *("keyring-init", "keyring-backup", "make-rootfs-archive"),
    *("install-packages", "pack-image"),
}
"""Stages that are too dear to be done twice."""

ARCHIVE = Cell(HOST.platform, "none")


@dataclass(frozen=True)
class Expected:
    """What one build alone gives: its result's sum, and how often each dear stage is executed."""

    sum: str
    executed: Counter[str]


def executed(said: Sequence[Said]) -> Counter[str]:
    """How often each dear stage was really executed, which each time gives one reason."""
    total = sum((one.count() for one in said), Counter[str]())
    return Counter({stage: number for stage, number in total.items() if stage in COUNTED})


def result_of(doit: Doit, cell: Cell) -> str:
    """The sum of a cell's result."""
    name = "root.tar" if cell == ARCHIVE else "disk.img"
    return sums(cell.folder(doit), (name,))[name]


@pytest.fixture(scope="module")
def alone(warm: Warm) -> Expected:
    """What the host's own cell gives on an empty cache."""
    count = executed([read_output(warm.said)])
    build(warm.doit, *HOST.words)  # another test may have left other results
    assert count == {**dict.fromkeys(COUNTED, 1), "make-rootfs-archive": 2}
    return Expected(result_of(warm.doit, HOST), count)


@pytest.fixture
def cold(doit: Doit, test_cache: Path) -> Iterator[Doit]:
    """doit on an empty cache."""
    folder = fresh_folder(test_cache / "concurrent")
    yield replace(doit, folder=folder)
    subprocess.run(["rm", "-rf", folder], check=True)


def start(doit: Doit, number: int, *words: str) -> "subprocess.Popen[bytes]":
    """Start a build that writes what it says to a file of its own."""
    with (doit.folder / f"said.{number}").open("wb") as said:
        return subprocess.Popen(
            doit.command("build", *words),
            env={**doit.environment, "PYTHONUNBUFFERED": "1"},
            stdout=said,
            stderr=subprocess.STDOUT,
        )


def finish(doit: Doit, running: Sequence["subprocess.Popen[bytes]"]) -> list[Said]:
    """Wait until all have ended, and read what they said; all must have succeeded."""
    try:
        status = [one.wait() for one in running]
    finally:
        for one in running:
            one.kill()
    texts = [(doit.folder / f"said.{number}").read_text() for number in range(len(running))]
    for code, text in zip(status, texts, strict=True):
        assert code == 0, text
        assert "Traceback" not in text, text
    return [read_output(text) for text in texts]


def assert_whole(doit: Doit, words: tuple[str, ...]) -> None:
    """Expect that nothing is left to do and nothing is left lying about."""
    assert build(doit, *words).stages == {"sync-databases"}
    work = doit.cache / "work"
    assert not work.exists() or list(work.iterdir()) == []


def test_they_share_the_work(cold: Doit, warm: Warm, alone: Expected) -> None:
    """Twice into one folder, once into another, once with other settings, and another board."""
    other = Shared(fresh_folder(cold.folder / "other"), cold.variables, cold.cache)
    second = Shared(fresh_folder(cold.folder / "second"), cold.variables, cold.cache)
    words = (*HOST.words, "hostname=second")
    more = executed([build(warm.doit, *ARCHIVE.words), build(warm.doit, *words)])
    changed = result_of(warm.doit, HOST)
    build(warm.doit, *HOST.words)
    here = [start(cold, n, *w) for n, w in enumerate((HOST.words, HOST.words, ARCHIVE.words))]
    there = [(other, start(other, 0, *HOST.words)), (second, start(second, 0, *words))]
    said = [*finish(cold, here), *(one for d, p in there for one in finish(d, [p]))]
    assert result_of(cold, HOST) == result_of(other, HOST) == alone.sum
    assert result_of(second, HOST) == changed != alone.sum
    assert result_of(cold, ARCHIVE) == result_of(warm.doit, ARCHIVE)
    assert more == {"install-packages": 1, "pack-image": 2}
    assert executed(said) == alone.executed + more
    assert_whole(cold, HOST.words)
    assert_whole(cold, ARCHIVE.words)


def test_two_are_killed(cold: Doit, alone: Expected) -> None:
    """The one that is at work, twice: the next goes on."""
    doomed = [start(cold, number, *HOST.words) for number in (1, 2)]
    survivors: list[subprocess.Popen[bytes]] = []
    try:
        for number, task in ((1, f"make-rootfs-archive:{HOST.platform.id}"), (2, PACK)):
            running = doomed[number - 1]
            wait_for(cold.folder / f"said.{number}", task, running)
            if task == PACK:
                survivors.append(start(cold, 0, *HOST.words))
            time.sleep(1)
            running.kill()
            running.wait()
        finish(cold, survivors)
    finally:
        for one in (*doomed, *survivors):
            one.kill()
            one.wait()
    assert result_of(cold, HOST) == alone.sum
    assert_whole(cold, HOST.words)


PACK = f"pack-image:{HOST.id}"


def wait_for(file: Path, task: str, running: "subprocess.Popen[bytes]") -> None:
    """Wait until a process has begun a task, or waited for another that does it."""
    while True:
        has_ended = running.poll() is not None
        said = file.read_text()
        if {f".  {task}", f"-- {task}"} & set(said.splitlines()):
            return
        assert not has_ended, f"it has ended without {task}:\n{said}"
        time.sleep(0.05)
