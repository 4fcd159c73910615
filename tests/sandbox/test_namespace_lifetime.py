"""That nothing is left of a namespace, whoever is killed: no process, no mount, no file."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from aimager.errors import HostError
from aimager.sandbox.namespace import call, remove_tree
from tests.support import namespaced
from tests.support.namespaced import Place

MIB = 1 << 20
on_disk_and_in_memory = pytest.mark.parametrize("tmpfs", [None, 64 * MIB])


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "work"


def processes(word: str) -> list[int]:
    """The processes that have ``word`` in their arguments, this one left out."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes()
        except OSError:
            continue
        if word.encode() in arguments and int(path.parent.name) != os.getpid():
            found.append(int(path.parent.name))
    return found


def eventually(condition: Callable[[], bool], seconds: float = 600) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def eventually_none(word: str) -> bool:
    return eventually(lambda: not processes(word))


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def find_supervisor(work: Path, builder: int) -> int:
    """The process at work there whose parent is a server, which is the builder's child."""
    for pid in processes(str(work)):
        with suppress(OSError):  # it has just ended
            if parent_of(parent_of(pid)) == builder:
                return pid
    raise AssertionError(f"{builder} has no supervisor at work in {work}")


def find_worker(work: Path, supervisor: int) -> int:
    for pid in processes(str(work)):
        with suppress(OSError):  # it has just ended
            if parent_of(pid) == supervisor:
                return pid
    raise AssertionError(f"{supervisor} has no worker in {work}")


@contextmanager
def builder(
    work: Path, word: str, tmpfs: int | None, prepare: str = ""
) -> Iterator[subprocess.Popen[str]]:
    """A process that is in the midst of a call."""
    code = (
        f"{prepare}from tests.support import namespaced\nfrom pathlib import Path\n"
        "from aimager.sandbox.namespace import call\n"
        f"work = Path({str(work)!r})\n"
        f"place = namespaced.Place(work, {word!r})\n"
        f"call(namespaced.write_and_wait, place, work=work, tmpfs={tmpfs})\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        process_group=0,
    ) as process:
        try:
            assert process.stdout and process.stderr
            line = process.stdout.readline()
            assert line == "ready\n", process.stderr.read()
            # The builder, whose code has the word, and the daemon; cmdline is empty in execve(2).
            assert eventually(lambda: len(processes(word)) >= 2)
            yield process
        finally:
            process.kill()


@on_disk_and_in_memory
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_outlives_the_builder(work: Path, tmpfs: int | None, number: int) -> None:
    word = f"daemon-{uuid.uuid4().hex}"
    with builder(work, word, tmpfs) as process:
        process.send_signal(number)
        process.wait()
    assert eventually_none(word)
    assert eventually_none(str(work))
    assert not work.exists()


def test_control_c_of_a_whole_process_group(work: Path) -> None:
    word = f"daemon-{uuid.uuid4().hex}"
    with builder(work, word, None) as process:
        os.killpg(process.pid, signal.SIGINT)
        process.wait()
        assert process.stderr
        assert process.stderr.read().endswith("KeyboardInterrupt\n")
        # The builder has waited for the end of all this.
        assert not processes(word)
        assert not work.exists()


@on_disk_and_in_memory
def test_nothing_outlives_the_supervisor(work: Path, tmpfs: int | None) -> None:
    word = f"daemon-{uuid.uuid4().hex}"
    with builder(work, word, tmpfs) as process:
        os.kill(find_supervisor(work, process.pid), signal.SIGKILL)
        process.wait()
        assert process.stderr
        assert "HostError: work was killed by SIGKILL" in process.stderr.read()
    assert eventually_none(word)
    assert not work.exists()


def test_a_killed_worker_is_told_as_want_of_memory(work: Path) -> None:
    word = f"daemon-{uuid.uuid4().hex}"
    with builder(work, word, 64 * MIB) as process:
        supervisor = find_supervisor(work, process.pid)
        os.kill(find_worker(work, supervisor), signal.SIGKILL)
        process.wait()
        assert process.stderr
        said = process.stderr.read()
    assert "was killed by SIGKILL" in said
    assert "probably run out of memory: end other programs" in said
    assert "tmpfs-root=no holds them on the disk" in said
    assert eventually_none(word)
    assert not work.exists()


def leave_stale(work: Path) -> None:
    """Kill builder and supervisor, so that nobody is left to remove the work directory."""
    word = f"daemon-{uuid.uuid4().hex}"
    with builder(work, word, None) as process:
        supervisor = find_supervisor(work, process.pid)
        os.kill(supervisor, signal.SIGSTOP)  # so that it cannot see the builder's end
        process.kill()
        process.wait()
        os.kill(supervisor, signal.SIGKILL)
    assert eventually_none(word)
    assert eventually_none(str(work))
    assert (work / "of-11").is_dir()


def test_stale_work_is_removed_by_the_next_call(work: Path) -> None:
    leave_stale(work)
    names = call(namespaced.write_files, Place(work), work=work)
    assert len(names) == 4
    assert not work.exists()


def test_stale_work_can_be_removed(work: Path) -> None:
    leave_stale(work)
    remove_tree(work)
    assert not work.exists()
    remove_tree(work)


def test_work_in_use_is_not_touched(work: Path) -> None:
    with builder(work, f"daemon-{uuid.uuid4().hex}", None):
        for attempt in (
            lambda: call(namespaced.echo, "", work=work),
            lambda: remove_tree(work),
        ):
            with pytest.raises(HostError, match="is in use by another build"):
                attempt()
        assert (work / "of-0").is_dir()
    assert eventually_none(str(work))


def test_a_fork_of_the_builder_keeps_nothing_alive(work: Path, tmp_path: Path) -> None:
    """A worker that doit forks has the builder's end of the control socket too."""
    word = f"daemon-{uuid.uuid4().hex}"
    fork = (
        "import os, sys, threading, time\n"
        "def fork():\n"
        f"    while not os.path.exists({str(tmp_path / 'now')!r}): time.sleep(0.02)\n"
        "    pid = os.fork()\n"
        "    if not pid: time.sleep(600)\n"
        f"    open({str(tmp_path / 'forked')!r}, 'w').write(str(pid))\n"
        "    os.kill(os.getpid(), 9)\n"
        "threading.Thread(target=fork).start()\n"
    )
    with builder(work, word, None, prepare=fork) as process:
        (tmp_path / "now").touch()
        process.wait()
        forked = int((tmp_path / "forked").read_text())
        try:
            assert eventually(lambda: processes(str(work)) == [forked])
            assert eventually(lambda: not work.exists())
        finally:
            os.kill(forked, signal.SIGKILL)


@on_disk_and_in_memory
def test_folders_of_any_depth_are_removed(work: Path, tmpfs: int | None) -> None:
    call(namespaced.nest_folders, Place(work / "tree"), work=work, tmpfs=tmpfs)
    assert not work.exists()
