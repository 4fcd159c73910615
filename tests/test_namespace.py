"""The namespace for real: what is seen in it, what crosses, and that nothing of it is left.

What a host lacks is in test_namespace_hosts.py.
"""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import namespaced
import pytest
from namespaced import Foreign, Place

from aimager.architecture import Architecture, host_architecture
from aimager.binfmt import HOST_DIRECTORY, find_qemu
from aimager.errors import CommandError, HostError, TrustError
from aimager.namespace import ChildFailed, call, remove_tree

MIB = 1 << 20
FOREIGN = next(a for a in Architecture if a != host_architecture())
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


def eventually_none(word: str, seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while processes(word) and time.monotonic() < end:
        time.sleep(0.02)
    return not processes(word)


def find_member(work: Path, *, parent: int) -> int:
    """The supervisor (whose parent is the builder) or the worker (whose is the supervisor)."""
    for pid in processes(str(work)):
        status = Path(f"/proc/{pid}/status").read_text()
        if f"PPid:\t{parent}\n" in status:
            return pid
    raise AssertionError(f"{parent} has no child at work in {work}")


@contextmanager
def builder(work: Path, word: str, tmpfs: int | None) -> Iterator[subprocess.Popen[str]]:
    """A process that is in the midst of a call."""
    code = (
        "import sys, namespaced\nfrom pathlib import Path\nfrom aimager.namespace import call\n"
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
            assert len(processes(word)) >= 2  # the builder, whose code has it, and the daemon
            yield process
        finally:
            process.kill()


def test_what_a_process_in_it_sees(work: Path) -> None:
    facts = call(namespaced.tell_facts, Place(work), work=work)
    assert (facts.pid, facts.uid, facts.gid, facts.groups) == (1, 0, 0, ())
    assert facts.hostname == "aimager"
    assert facts.umask == 0o022
    assert facts.processes == ("1",)
    assert facts.interfaces == ("lo",)
    assert facts.gpg_sockets
    expected = {"TZ": "UTC", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    assert {name: facts.environment[name] for name in expected} == expected


def test_programs_hold_none_of_the_pipes(work: Path) -> None:
    """All above standard error that a program inherits belongs to whoever runs the tests."""
    facts = call(namespaced.tell_facts, Place(work), work=work)
    inherited = [line for line in facts.descriptors if int(line.split()[0]) > 2]
    assert not [line for line in inherited if "pipe:" in line or "socket:" in line]


def test_the_network_is_the_hosts_when_asked(work: Path) -> None:
    facts = call(namespaced.tell_facts, Place(work), work=work, network=True)
    host = tuple(path.name for path in Path("/sys/class/net").iterdir() if path.is_dir())
    assert sorted(facts.interfaces) == sorted(host)


@on_disk_and_in_memory
def test_files_of_many_owners_are_made_and_removed(work: Path, tmpfs: int | None) -> None:
    names = call(namespaced.write_files, Place(work), work=work, tmpfs=tmpfs)
    assert names == ["of-0", "of-11", "of-65534", "of-65535"]
    assert not work.exists()
    assert work.parent.exists()


def test_memory_is_bounded(work: Path) -> None:
    said = call(namespaced.fill, Place(work), work=work, tmpfs=4 * MIB)
    assert said == "No space left on device"


def test_only_what_is_named_can_be_written(work: Path, tmp_path: Path) -> None:
    output, store = tmp_path / "output", tmp_path / "store"
    output.mkdir()
    store.mkdir()
    assert not call(namespaced.try_to_write, Place(output), work=work)
    assert call(namespaced.try_to_write, Place(output), work=work, writable=[store, output])
    assert (output / "written").read_text() == "content"
    assert (output / "written").stat().st_uid == os.getuid()
    assert not (store / "written").exists()
    assert not call(namespaced.try_to_write, Place(Path("/etc")), work=work)
    assert not call(namespaced.try_to_write, Place(Path("/var/tmp")), work=work)
    assert call(namespaced.try_to_write, Place(Path("/run")), work=work)
    assert not Path("/run/written").exists()


def test_work_and_writable_paths_below_run(tmp_path: Path) -> None:
    for base in (Path(f"/run/user/{os.getuid()}"), Path("/run")):
        if os.access(base, os.W_OK):
            break
    else:
        pytest.skip("this user has no directory below /run")
    output = base / f"aimager-{uuid.uuid4().hex}"
    output.mkdir()
    try:
        work = output / "work"
        assert call(namespaced.try_to_write, Place(work), work=work, writable=[output], tmpfs=MIB)
        assert call(namespaced.try_to_write, Place(output), work=work, writable=[output])
        assert (output / "written").is_file()
    finally:
        remove_tree(output)


def test_mounts_stay_inside(work: Path) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    call(namespaced.mount_tree, Place(work), work=work, tmpfs=MIB)
    assert Path("/proc/self/mountinfo").read_text() == before


def test_errors_of_ours_cross_with_their_parts(work: Path) -> None:
    with pytest.raises(TrustError) as trust:
        call(namespaced.raise_trust_error, Place(work), work=work)
    assert (trust.value.message, trust.value.hint) == ("the key is another", "get the right one")
    with pytest.raises(CommandError) as command:
        call(namespaced.raise_command_error, Place(work), work=work)
    error = command.value
    assert (error.argv, error.status, error.tail) == (("false", "-x"), 3, "last\nlines")
    assert error.hint == "do better"
    assert not work.exists()


def test_a_bug_keeps_its_traceback(work: Path) -> None:
    with pytest.raises(ChildFailed, match=r"in raise_bug(.|\n)*ZeroDivisionError: a bug"):
        call(namespaced.raise_bug, Place(work), work=work)


def test_no_answer_is_a_bug(work: Path) -> None:
    with pytest.raises(ChildFailed, match="leave ended with status 7 and no answer"):
        call(namespaced.leave, Place(work), work=work)


def test_long_requests_and_answers_cross(work: Path) -> None:
    text = "x\udc80\n" * (2 * MIB)
    assert call(namespaced.echo, text, work=work) == text


def test_calls_from_threads_at_once(tmp_path: Path) -> None:
    said: list[str] = []

    def one(number: int) -> None:
        said.append(call(namespaced.echo, str(number), work=tmp_path / str(number)))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["0", "1", "2", "3"]


def test_only_functions_that_can_be_imported(work: Path) -> None:
    def local(place: Place) -> None: ...

    with pytest.raises((TypeError, AttributeError)):
        call(local, Place(work), work=work)
    assert not work.exists()


def test_work_that_would_take_too_much_along(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds more than one call's work"):
        call(namespaced.echo, "", work=Path.cwd())
    (tmp_path / "work/output").mkdir(parents=True)
    with pytest.raises(ValueError, match="is below"):
        call(namespaced.echo, "", work=tmp_path / "work", writable=[tmp_path / "work/output"])


@on_disk_and_in_memory
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_outlives_the_builder(work: Path, tmpfs: int | None, number: int) -> None:
    word = f"daemon-{uuid.uuid4().hex}"
    with builder(work, word, tmpfs) as process:
        process.send_signal(number)
        process.wait(20)
    assert eventually_none(word)
    assert eventually_none(str(work))
    assert not work.exists()


def test_control_c_of_a_whole_process_group(work: Path) -> None:
    word = f"daemon-{uuid.uuid4().hex}"
    with builder(work, word, None) as process:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(20)
        assert process.stderr
        assert process.stderr.read().endswith("KeyboardInterrupt\n")
        # The builder has waited for the end of all this.
        assert not processes(word)
        assert not work.exists()


@on_disk_and_in_memory
def test_nothing_outlives_the_supervisor(work: Path, tmpfs: int | None) -> None:
    word = f"daemon-{uuid.uuid4().hex}"
    with builder(work, word, tmpfs) as process:
        os.kill(find_member(work, parent=process.pid), signal.SIGKILL)
        process.wait(20)
        assert process.stderr
        assert "HostError: namespaced:write_and_wait was killed by SIGKILL" in process.stderr.read()
    assert eventually_none(word)
    assert not work.exists()


def test_a_killed_worker_is_told_as_want_of_memory(work: Path) -> None:
    word = f"daemon-{uuid.uuid4().hex}"
    with builder(work, word, 64 * MIB) as process:
        supervisor = find_member(work, parent=process.pid)
        os.kill(find_member(work, parent=supervisor), signal.SIGKILL)
        process.wait(20)
        assert process.stderr
        said = process.stderr.read()
    assert "was killed by SIGKILL" in said
    assert "out of memory: hold the build on disk" in said
    assert eventually_none(word)
    assert not work.exists()


def leave_stale(work: Path) -> None:
    """Kill builder and supervisor, so that nobody is left to remove the work directory."""
    word = f"daemon-{uuid.uuid4().hex}"
    with builder(work, word, None) as process:
        supervisor = find_member(work, parent=process.pid)
        os.kill(supervisor, signal.SIGSTOP)  # so that it cannot see the builder's end
        process.kill()
        process.wait(20)
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


def test_remove_tree_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/link").symlink_to(tmp_path / "kept")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove_tree(tmp_path / "tree")
    with pytest.raises(OSError):
        remove_tree(tmp_path / "link")
    assert [path.name for path in tmp_path.iterdir() if not path.is_symlink()] == ["kept"]


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


def own_binfmt() -> None:
    if tuple(int(n) for n in os.uname().release.split(".")[:2]) < (6, 7):
        pytest.skip("a namespace has its own binfmt_misc from Linux 6.7 on")
    try:
        find_qemu(FOREIGN)
    except HostError as error:
        pytest.skip(error.message)


def test_foreign_programs_run_in_a_bare_root(work: Path) -> None:
    own_binfmt()
    before = sorted(HOST_DIRECTORY.iterdir()) if HOST_DIRECTORY.is_dir() else []
    status = call(
        namespaced.run_foreign, Foreign(work, FOREIGN), work=work, foreign=FOREIGN, tmpfs=MIB
    )
    assert status == 42
    after = sorted(HOST_DIRECTORY.iterdir()) if HOST_DIRECTORY.is_dir() else []
    assert after == before


def test_the_model_of_the_foreign_processor_is_set(work: Path) -> None:
    own_binfmt()
    facts = call(namespaced.tell_facts, Place(work), work=work, foreign=FOREIGN)
    assert facts.environment.get("QEMU_CPU", "") == FOREIGN.qemu_cpu


def test_the_hosts_own_programs_need_no_emulation(work: Path) -> None:
    own = host_architecture()
    assert call(namespaced.run_foreign, Foreign(work, own), work=work, foreign=own) == 42
