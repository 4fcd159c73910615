"""Run folders: held while a run lives, swept when it was killed, and never taken from a run."""

import atexit
import fcntl
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.products import run_folder
from aimager.products.run_folder import hold_run_folder, is_held, remove_run_folder
from tests.support.staged import build, finish, hear, runs, shout, start


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a run that the test's own process may hold."""
    held: dict[Path, int] = {}
    monkeypatch.setattr(run_folder, "_held", held)
    monkeypatch.setattr(atexit, "register", lambda *_: None)
    yield tmp_path / "work" / "ours"
    for descriptor in held.values():
        os.close(descriptor)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another run, which is under way."""
    with start("hold_there", tmp_path / "work" / "live") as running:
        assert hear(running) == "held"
        yield running
        running.kill()


def dead(tmp_path: Path, name: str = "dead") -> Path:
    """The folder that a killed run left."""
    folder = tmp_path / "work" / name
    (folder / "view/make/x").mkdir(parents=True)
    (folder / "view/make/x/file").touch()
    return folder


def test_a_run_has_a_folder_and_sweeps_what_others_left(tmp_path: Path, ours: Path) -> None:
    folder = dead(tmp_path)
    assert not is_held(folder)
    hold_run_folder(ours)
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["ours"]
    assert is_held(ours)
    (ours / "file").touch()
    hold_run_folder(ours)
    assert (ours / "file").exists()


def test_a_file_that_a_call_made_is_swept_with_the_folder(tmp_path: Path, ours: Path) -> None:
    folder = dead(tmp_path)
    (folder / ".install-packages.x.results.a1").touch()
    hold_run_folder(ours)
    assert not folder.exists()


def test_what_is_swept_is_swept_once(tmp_path: Path, ours: Path) -> None:
    hold_run_folder(ours)
    folder = dead(tmp_path)
    hold_run_folder(ours)
    assert folder.exists()


@pytest.mark.usefixtures("live")
def test_a_live_runs_folder_stays(tmp_path: Path, ours: Path) -> None:
    hold_run_folder(ours)
    assert is_held(tmp_path / "work/live")
    assert (tmp_path / "work/live/view").is_dir()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_killed_runs_folder_is_swept_by_the_next(
    tmp_path: Path, ours: Path, live: subprocess.Popen[str], number: signal.Signals
) -> None:
    live.send_signal(number)
    live.wait()
    assert (tmp_path / "work/live/view").is_dir()
    hold_run_folder(ours)
    assert not (tmp_path / "work/live").exists()


def test_a_run_removes_its_folder_at_its_end(tmp_path: Path, live: subprocess.Popen[str]) -> None:
    assert finish(live) == ""
    assert list((tmp_path / "work").iterdir()) == []


def test_a_forked_process_does_not_remove_it(ours: Path) -> None:
    hold_run_folder(ours)
    run_folder._release(ours, os.getpid() + 1)
    assert ours.exists()
    run_folder._release(ours, os.getpid())
    assert not ours.exists()


def test_what_something_still_works_in_stays(tmp_path: Path, ours: Path) -> None:
    """A supervisor that outlives the killed builder holds its work folder until it is gone."""
    folder = dead(tmp_path)
    (folder / "work").mkdir()
    descriptor = os.open(folder / "work", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    hold_run_folder(ours)
    assert (folder / "work").exists()
    os.close(descriptor)
    remove_run_folder(folder)
    assert not folder.exists()
    remove_run_folder(folder)


@pytest.mark.parametrize("name", ["file", "link", "folder"])
def test_what_is_no_runs_folder_disturbs_nobody(tmp_path: Path, ours: Path, name: str) -> None:
    (tmp_path / "work").mkdir()
    if name == "file":
        (tmp_path / "work/file").touch()
    else:
        (tmp_path / "work" / name).symlink_to(tmp_path / name)
    (tmp_path / "folder/kept").mkdir(parents=True)
    hold_run_folder(ours)
    assert (tmp_path / "folder/kept").exists()
    assert is_held(ours)
    assert not is_held(tmp_path / "work" / name)


def test_a_folder_is_removed_by_who_holds_it(
    tmp_path: Path, ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a run that has just made it, and comes to hold it in between, would lose it."""
    folder = dead(tmp_path)
    held = []
    removes = run_folder.remove_run_folder

    def watch(path: Path) -> None:
        held.append(is_held(path))
        removes(path)

    monkeypatch.setattr(run_folder, "remove_run_folder", watch)
    hold_run_folder(ours)
    assert held == [True]
    assert not folder.exists()


def test_a_folder_that_goes_before_it_is_held_is_made_again(
    ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = os.open
    removed: list[Path] = []

    def slow(path: Path, flags: int) -> int:
        descriptor = opens(path, flags)
        if not removed:
            removed.append(path)
            path.rmdir()
        return descriptor

    monkeypatch.setattr(os, "open", slow)
    hold_run_folder(ours)
    assert removed == [ours]
    assert is_held(ours)


def test_many_runs_at_once(tmp_path: Path) -> None:
    """Each holds its own to its end, whatever the others sweep."""
    for name in ("a", "b", "c"):
        dead(tmp_path, name)
    running = [start("hold_there", tmp_path / "work" / f"r{n}") for n in range(10)]
    assert [hear(process) for process in running] == ["held"] * 10
    assert {path.name for path in (tmp_path / "work").iterdir()} == {f"r{n}" for n in range(10)}
    for process in running[:5]:
        process.kill()
        process.communicate()
    enders = [threading.Thread(target=process.communicate) for process in running[5:]]
    for ender in enders:
        ender.start()
    for ender in enders:
        ender.join()
    assert finish(start("hold_there", tmp_path / "work" / "last")) == "held\n"
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.2, 0.3])
def test_a_build_that_is_killed_leaves_what_the_next_can_do_with(
    tmp_path: Path, delay: float
) -> None:
    source, cache = tmp_path / "source", tmp_path / "cache"
    source.write_text("hello")
    running = start("build_there", cache, "killed", source, 0.2)
    while not (cache / "shout").exists():  # it has begun
        assert running.poll() is None
    threading.Event().wait(delay)
    running.kill()
    running.communicate()
    said = finish(start("build_there", cache, "next", source, 0))
    assert "HELLO" in said
    assert list((cache / "work").iterdir()) == []
    assert not build(shout(cache, "last", source))
    assert runs(cache) <= 2
