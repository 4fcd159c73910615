"""A supervisor that stood by is like one that was just started, but quicker."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aimager.sandbox import namespace
from aimager.sandbox.namespace import call
from aimager.sandbox.supervisor import Standby
from tests.support import inherited, namespaced


@pytest.fixture(autouse=True)
def standby(monkeypatch: pytest.MonkeyPatch) -> Iterator[Standby]:
    """One of the test's own, on a machine of two cores."""
    standby = Standby()
    monkeypatch.setattr(namespace, "STANDBY", standby)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    yield standby
    standby.dismiss()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


def waiting(standby: Standby) -> int:
    """The process that stands by."""
    assert standby._ready
    return standby._ready.process.pid


@contextmanager
def into(file: Path) -> Iterator[None]:
    """Let standard output be a file in the block."""
    kept, opened = os.dup(1), os.open(file, os.O_WRONLY | os.O_CREAT)
    os.dup2(opened, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(opened)
        os.close(kept)


def test_it_inherits_what_is_so_when_it_is_wanted(
    work: Path,
    tmp_path: Path,
    standby: Standby,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    call(inherited.tell_inherited, "one", work=work)
    assert capfd.readouterr() == ("out one\n", "error one\n")
    first = waiting(standby)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "77")
    monkeypatch.chdir(tmp_path)
    with into(tmp_path / "said"):
        seen = call(inherited.tell_inherited, "two", work=work)
    assert (tmp_path / "said").read_text() == "out two\n"
    assert capfd.readouterr().err == "error two\n"
    assert (seen.epoch, seen.directory) == ("77", tmp_path)
    assert seen.arguments[1:] == ("tests.support.inherited:tell_inherited", str(work))
    assert waiting(standby) != first
    assert not Path(f"/proc/{first}").exists()


def test_it_holds_nothing_of_the_builders(standby: Standby) -> None:
    reader, writer = os.pipe()
    kept = os.dup(2)
    try:
        os.dup2(writer, 2)
        os.close(writer)
        standby.prepare(())
        os.dup2(kept, 2)
        assert os.read(reader, 1) == b"", "nobody else has the other end"
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(reader)


def test_one_that_was_killed_is_replaced(work: Path, standby: Standby) -> None:
    standby.prepare(())
    os.kill(waiting(standby), signal.SIGKILL)
    os.waitid(os.P_PID, waiting(standby), os.WEXITED | os.WNOWAIT)
    assert call(namespaced.echo, "x", work=work) == "x"


def test_it_ends_when_it_is_dismissed(standby: Standby) -> None:
    standby.prepare(())
    process = waiting(standby)
    standby.dismiss()
    assert not Path(f"/proc/{process}").exists()


def test_none_stands_by_on_one_core(
    work: Path, standby: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert call(namespaced.echo, "x", work=work) == "x"
    assert standby._ready is None


def test_none_stands_by_after_the_last_call(work: Path, standby: Standby) -> None:
    namespace.get_ready()
    ready = waiting(standby)
    assert call(namespaced.echo, "x", work=work, last=True) == "x"
    assert standby._ready is None
    assert not Path(f"/proc/{ready}").exists()


def test_a_forked_process_starts_its_own(work: Path, standby: Standby) -> None:
    standby.prepare(())
    process = waiting(standby)
    child = os.fork()
    if not child:
        ended = 1
        try:
            supervisor = standby.hire()
            ended = int(supervisor.process.pid == process)
            supervisor.dismiss()
        finally:
            os._exit(ended)
    assert os.waitpid(child, 0)[1] == 0
    assert Path(f"/proc/{process}").exists()
    assert call(namespaced.echo, "x", work=work) == "x"
