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

pytestmark = pytest.mark.slow

COUNTED = {
    *("keyring-init", "keyring-backup", "make-rootfs-archive"),
    *("install-packages", "pack-image"),
}
"""Stages that are too dear to be done twice."""

ARCHIVE = replace(HOST, board="none")
SECONDS = 600


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
    deadline = time.monotonic() + SECONDS
    try:
        status = [one.wait(timeout=deadline - time.monotonic()) for one in running]
    finally:
        for one in running:
            one.kill()
    texts = [(doit.folder / f"said.{number}").read_text() for number in range(len(running))]
    for code, text in zip(status, texts, strict=True):
        assert code == 0, text
        assert "Traceback" not in text, text
    return [read_output(text) for text in texts]


def build_at_once(doit: Doit, *builds: tuple[str, ...]) -> list[Said]:
    """Run these builds at the same time."""
    return finish(doit, [start(doit, number, *words) for number, words in enumerate(builds)])


def assert_whole(doit: Doit, words: tuple[str, ...]) -> None:
    """Expect that nothing is left to do and nothing is left lying about."""
    assert build(doit, *words).stages == {"sync-databases"}
    work = doit.cache / "work"
    assert not work.exists() or list(work.iterdir()) == []


@pytest.mark.parametrize("number", [2, 3])
def test_one_cell(cold: Doit, alone: Expected, number: int) -> None:
    said = build_at_once(cold, *[HOST.words] * number)
    assert result_of(cold, HOST) == alone.sum
    assert executed(said) == alone.executed
    assert_whole(cold, HOST.words)


def test_one_cell_with_results_in_two_folders(cold: Doit, alone: Expected) -> None:
    other = replace(cold, folder=cold.folder / "other")
    other.folder.mkdir()
    second = Shared(other.folder, cold.variables, cold.cache)
    running = [start(cold, 0, *HOST.words), start(second, 0, *HOST.words)]
    said = [*finish(cold, running[:1]), *finish(second, running[1:])]
    assert result_of(cold, HOST) == result_of(second, HOST) == alone.sum
    assert executed(said) == alone.executed


def test_two_boards_of_one_platform(cold: Doit, warm: Warm, alone: Expected) -> None:
    more = executed([build(warm.doit, *ARCHIVE.words)])
    said = build_at_once(cold, HOST.words, ARCHIVE.words)
    assert result_of(cold, HOST) == alone.sum
    assert result_of(cold, ARCHIVE) == result_of(warm.doit, ARCHIVE)
    assert more == {"install-packages": 1, "pack-image": 1}
    assert executed(said) == alone.executed + more
    assert_whole(cold, HOST.words)
    assert_whole(cold, ARCHIVE.words)


def test_two_hostnames(cold: Doit, warm: Warm, alone: Expected) -> None:
    second = Shared(cold.folder / "second", cold.variables, cold.cache)
    second.folder.mkdir()
    words = (*HOST.words, "hostname=second")
    more = executed([build(warm.doit, *words)])
    expected = result_of(warm.doit, HOST)
    build(warm.doit, *HOST.words)
    running = [start(cold, 0, *HOST.words), start(second, 0, *words)]
    said = [*finish(cold, running[:1]), *finish(second, running[1:])]
    assert result_of(cold, HOST) == alone.sum
    assert result_of(second, HOST) == expected != alone.sum
    assert more == {"pack-image": 1}
    assert executed(said) == alone.executed + more


KILLED_IN = ("make-rootfs-archive", "pack-image")


@pytest.mark.parametrize("stage", KILLED_IN)
def test_one_is_killed(cold: Doit, alone: Expected, stage: str) -> None:
    subject = HOST.platform.id if stage == "make-rootfs-archive" else HOST.id
    killed = start(cold, 1, *HOST.words)
    survivors = [start(cold, 0, *HOST.words)]
    try:
        wait_for(cold.folder / "said.1", f"{stage}:{subject}", killed)
        time.sleep(1)
    finally:
        killed.kill()
        killed.wait()
    finish(cold, survivors)
    assert result_of(cold, HOST) == alone.sum
    assert_whole(cold, HOST.words)


def wait_for(file: Path, task: str, running: "subprocess.Popen[bytes]") -> None:
    """Wait until a process has begun a task, or waited for another that does it."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        said = file.read_text()
        if {f".  {task}", f"-- {task}"} & set(said.splitlines()):
            return
        assert running.poll() is None, f"it has ended without {task}:\n{said}"
        time.sleep(0.05)
    pytest.fail(f"{task} was not begun in {SECONDS} s")
