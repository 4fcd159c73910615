"""Locks hold between processes, end with whoever holds them, and are of what has the name now."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from aimager.locks import lock_folder, locked
from tests.support.places import ROOT
from tests.support.waiting import is_waited_for, wait_until

HOLDER = """\
import sys
from pathlib import Path
from aimager.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""

COUNTER = """\
import sys
from pathlib import Path
from aimager.locks import locked
lock, counter = map(Path, sys.argv[1:])
for _ in range(300):
    with locked(lock):
        before = int(counter.read_text())
        counter.write_text(str(before + 1))
"""


@contextmanager
def folder_locked(path: Path, *, shared: bool = False, wait: bool = True) -> Iterator[None]:
    descriptor = lock_folder(path, shared=shared, wait=wait)
    try:
        yield
    finally:
        os.close(descriptor)


Kind = Callable[..., AbstractContextManager[object]]
KINDS = pytest.mark.parametrize("kind", [locked, folder_locked])


def is_free(kind: Kind, path: Path, *, shared: bool = False) -> bool:
    try:
        with kind(path, shared=shared, wait=False):
            return True
    except BlockingIOError:
        return False


@pytest.mark.parametrize("ending", ["well", "killed"])
def test_a_lock_is_held_until_its_process_ends(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "a/lock"
    argv: list[str | Path] = [sys.executable, "-c", HOLDER, path]
    holder = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def wait() -> bool:
        with locked(path) as waited:
            return waited

    with holder, ThreadPoolExecutor(1) as pool:
        assert holder.stdout
        assert holder.stdin
        assert holder.stdout.readline() == b"held\n"
        assert not is_free(locked, path)
        waiting = pool.submit(wait)
        wait_until(lambda: waiting.done() or is_waited_for(path))
        assert not waiting.done()
        if ending == "killed":
            holder.kill()
        else:
            holder.stdin.close()
        assert waiting.result()
    assert is_free(locked, path)
    assert not wait()


def test_four_at_once_lose_nothing(tmp_path: Path) -> None:
    """The file is made and removed all the time, and no two hold it."""
    lock, counter = tmp_path / "lock", tmp_path / "counter"
    counter.write_text("0")
    argv: list[str | Path] = [sys.executable, "-c", COUNTER, lock, counter]
    running = [subprocess.Popen(argv, cwd=ROOT) for _ in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    assert counter.read_text() == "1200"
    assert not lock.exists()


@KINDS
def test_who_shares_a_lock_keeps_out_who_does_not(tmp_path: Path, kind: Kind) -> None:
    path = tmp_path / "folder/lock"
    with kind(path, shared=True):
        assert is_free(kind, path, shared=True)
        assert not is_free(kind, path)
    with kind(path):
        assert not is_free(kind, path, shared=True)


@pytest.mark.parametrize(("words", "stays"), [({}, False), ({"keep": True}, True)])
def test_an_error_releases_a_lock(tmp_path: Path, words: dict[str, bool], stays: bool) -> None:
    path = tmp_path / "lock"
    with pytest.raises(ValueError, match="x"), locked(path, **words):
        raise ValueError("x")
    assert path.exists() == stays
    assert is_free(locked, path)


def test_a_shared_lock_is_not_removed_under_others(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path, shared=True):
        with locked(path, shared=True):
            pass
        assert not is_free(locked, path)


@KINDS
@pytest.mark.parametrize("instead", ["another", "nothing"])
def test_what_lost_its_name_before_it_was_locked_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind, instead: str
) -> None:
    path, opens, opened = tmp_path / "lock", os.open, list[Path]()

    def slow(name: Path, *flags: int) -> int:
        descriptor = opens(name, *flags)
        opened.append(name)
        if len(opened) == 1:
            name.rename(tmp_path / "old")
            if instead == "another":
                name.mkdir() if kind is folder_locked else name.write_bytes(b"")
        return descriptor

    monkeypatch.setattr(os, "open", slow)
    with kind(path):
        assert opened == [path, path]
        assert not is_free(kind, path)
        assert is_free(kind, tmp_path / "old")


def test_a_folder_that_is_missing_is_made_or_told_of(tmp_path: Path) -> None:
    folder = tmp_path / "a/b"
    with pytest.raises(FileNotFoundError):
        lock_folder(folder, make=False)
    before = os.umask(0)
    try:
        os.close(lock_folder(folder, mode=0o700))
        os.close(lock_folder(tmp_path / "open"))
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o7777 == 0o700
    assert (tmp_path / "open").stat().st_mode & 0o7777 == 0o777
    os.close(lock_folder(folder, make=False))
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(NotADirectoryError):
        lock_folder(tmp_path / "link", make=False)
