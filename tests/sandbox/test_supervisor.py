"""A supervisor that a server forks is like one that the builder itself had started."""

import errno
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aimager.errors import HostError
from aimager.sandbox import fork_server, namespace
from aimager.sandbox.namespace import call
from aimager.sandbox.supervisor import ForkServer
from tests.support import inherited, namespaced
from tests.support.waiting import wait_until

AUTOGROUP = Path("/proc/self/autogroup")


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ForkServer]:
    """One of the test's own."""
    server = ForkServer()
    monkeypatch.setattr(namespace, "FORK_SERVER", server)
    yield server
    server.dismiss()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


def process_of(server: ForkServer) -> int:
    """The process that serves."""
    assert server._server
    return server._server.process.pid


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
    server: ForkServer,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    call(inherited.tell_inherited, "one", work=work)
    assert capfd.readouterr() == ("out one\n", "error one\n")
    first = process_of(server)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "77")
    monkeypatch.chdir(tmp_path)
    with into(tmp_path / "said"):
        seen = call(inherited.tell_inherited, "two", work=work)
    assert (tmp_path / "said").read_text() == "out two\n"
    assert capfd.readouterr().err == "error two\n"
    assert (seen.epoch, seen.directory) == ("77", tmp_path)
    assert seen.arguments[1:] == ("tests.support.inherited:tell_inherited", str(work))
    assert process_of(server) == first


def test_it_has_a_session_of_its_own(server: ForkServer) -> None:
    supervisor = server.hire("json")
    wait_until(lambda: os.getsid(supervisor.process) == supervisor.process)
    supervisor.control.close()  # it was given nothing to do
    assert supervisor.wait() == 0
    assert not Path(f"/proc/{supervisor.process}").exists(), "it was waited for"


@pytest.mark.parametrize("niceness", [0, 7])
def test_it_is_as_nice_as_who_asked(
    server: ForkServer, niceness: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = os.nice(0) + niceness
    with monkeypatch.context() as asking:
        asking.setattr(os, "nice", lambda _: wanted)
        supervisor = server.hire("json")
    try:
        process = supervisor.process
        wait_until(lambda: os.getpriority(os.PRIO_PROCESS, process) == wanted)
        if AUTOGROUP.exists() and AUTOGROUP.read_text():
            group = Path(f"/proc/{process}/autogroup")
            wait_until(lambda: group.read_text().endswith(f" nice {wanted}\n"))
            assert group.read_text().split()[0] != AUTOGROUP.read_text().split()[0]
    finally:
        supervisor.control.close()
        supervisor.wait()


@pytest.mark.parametrize(
    ("answers", "left"), [((errno.EAGAIN, errno.EAGAIN, 0, 0), 1), ((errno.ENOENT, 0), 1)]
)
def test_that_is_tried_again_where_others_came_before(
    monkeypatch: pytest.MonkeyPatch, answers: tuple[int, ...], left: int
) -> None:
    told = list(answers)

    def write(path: Path, text: str) -> None:
        assert (path, text) == (AUTOGROUP, "7")
        if answer := told.pop(0):
            raise OSError(answer, os.strerror(answer))

    monkeypatch.setattr(fork_server, "_PAUSE", 0)
    monkeypatch.setattr(os, "nice", lambda _: 7)
    monkeypatch.setattr(Path, "write_text", write)
    fork_server._be_as_nice()
    assert len(told) == left


def test_a_signal_that_ends_it_is_told(server: ForkServer) -> None:
    supervisor = server.hire("json")
    os.kill(supervisor.process, signal.SIGKILL)
    assert supervisor.wait() == -signal.SIGKILL
    supervisor.control.close()


def test_it_holds_nothing_of_the_builders(server: ForkServer) -> None:
    reader, writer = os.pipe()
    kept = os.dup(2)
    try:
        os.dup2(writer, 2)
        os.close(writer)
        server.prepare(())
        os.dup2(kept, 2)
        assert os.read(reader, 1) == b"", "nobody else has the other end"
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(reader)


def test_one_supervisor_holds_nothing_of_anothers(work: Path, server: ForkServer) -> None:
    """Else the end of its control socket would be no order to stop."""
    first, second = server.hire("json"), server.hire("json")
    first.control.close()
    assert first.wait() == 0
    second.control.close()
    assert second.wait() == 0


def test_where_no_process_can_be_started_that_is_told(
    server: ForkServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A module that the server reads before it forks makes that fail."""
    (tmp_path / "crowded.py").write_text(
        "import os\ndef fork():\n    raise BlockingIOError(11, 'none')\nos.fork = fork\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    server.prepare(())
    server.hire("crowded").control.close()

    def is_refused() -> bool:
        try:
            supervisor = server.hire("json")
        except HostError as error:
            assert "no process can be started" in error.message
            return True
        supervisor.control.close()
        return supervisor.wait() != 0

    wait_until(is_refused)


def test_a_server_that_was_killed_is_replaced(work: Path, server: ForkServer) -> None:
    server.prepare(())
    os.kill(process_of(server), signal.SIGKILL)
    os.waitid(os.P_PID, process_of(server), os.WEXITED | os.WNOWAIT)
    assert call(namespaced.echo, "x", work=work) == "x"


def test_the_end_of_the_server_is_not_that_of_a_call(work: Path, server: ForkServer) -> None:
    supervisor = server.hire("json")
    os.kill(process_of(server), signal.SIGKILL)
    os.waitid(os.P_PID, process_of(server), os.WEXITED | os.WNOWAIT)
    supervisor.control.close()
    assert supervisor.wait() is None, "who would know is gone"


def test_it_ends_when_it_is_dismissed(server: ForkServer) -> None:
    server.prepare(())
    process = process_of(server)
    server.dismiss()
    assert not Path(f"/proc/{process}").exists()


def test_a_module_that_it_has_not_read_is_read_in_the_call(work: Path, server: ForkServer) -> None:
    server.prepare(("tests.support.no_such_module",))
    assert call(namespaced.echo, "x", work=work) == "x"


def test_forked_processes_share_it(work: Path, server: ForkServer) -> None:
    server.prepare(())
    process = process_of(server)
    children = []
    for number in range(3):
        if child := os.fork():
            children.append(child)
            continue
        ended = 1
        try:
            for turn in range(5):
                place = work.with_name(f"{number}.{turn}")
                assert call(namespaced.echo, place.name, work=place) == place.name
            ended = int(process_of(server) != process)
            server.dismiss()  # which is not for it to do
        finally:
            os._exit(ended)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert call(namespaced.echo, "x", work=work) == "x"
    assert process_of(server) == process


def test_what_is_to_be_read_is_told_to_one_that_works(
    server: ForkServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "told.py").write_text("import pathlib\npathlib.Path(__file__ + '.read').touch()\n")
    monkeypatch.syspath_prepend(tmp_path)
    server.prepare(())
    server.prepare(("json", "told"))
    wait_until((tmp_path / "told.py.read").exists)
