"""The namespace for real: what is seen in it, and what crosses.

That nothing is left of it is in test_namespace_lifetime.py, what a host lacks in
test_namespace_hosts.py.
"""

import os
import threading
import time
from pathlib import Path

import pytest

from aimager.errors import CommandError, HostError, TrustError
from aimager.model.architecture import Architecture, host_architecture
from aimager.sandbox.answer import ChildFailed
from aimager.sandbox.binfmt import HOST_DIRECTORY, find_qemu
from aimager.sandbox.compat_probe import runs
from aimager.sandbox.namespace import call, remove_tree
from tests.support import namespaced
from tests.support.namespaced import Foreign, Place, Swap

MIB = 1 << 20
FOREIGN = next(a for a in Architecture if a != host_architecture())
on_disk_and_in_memory = pytest.mark.parametrize("tmpfs", [None, 64 * MIB])


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "work"


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


def test_a_file_that_is_read_is_not_another_of_its_name(work: Path, tmp_path: Path) -> None:
    """What was verified is what is installed, whatever comes into the cache meanwhile."""
    swap = Swap(tmp_path / "package", tmp_path / "turns")
    swap.path.write_text("verified")

    def replace_it() -> None:
        while not swap.turns.exists() or swap.turns.read_text() != "read":
            time.sleep(0.01)
        (tmp_path / "other").write_text("evil")
        (tmp_path / "other").rename(swap.path)
        swap.turns.write_text("swapped")

    other = threading.Thread(target=replace_it, daemon=True)
    other.start()
    seen = call(namespaced.read_twice, swap, work=work, reads=[swap.path], keeps=[swap.turns])
    other.join()
    assert seen == ["verified", "verified"]
    assert swap.path.read_text() == "evil"


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


def test_mounts_stay_inside(work: Path) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    call(namespaced.write_files, Place(work), work=work, tmpfs=MIB, network=True)
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
        call(namespaced.echo, "", work=tmp_path / "work", reads=[tmp_path / "work/output"])
    for files in ("products", "keeps"):
        made = {files: [tmp_path / "work/output"]}
        with pytest.raises(ValueError, match="is below"):
            call(namespaced.echo, "", work=tmp_path / "work", **made)  # type: ignore[arg-type]


def test_remove_tree_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/link").symlink_to(tmp_path / "kept")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove_tree(tmp_path / "tree")
    with pytest.raises(OSError):
        remove_tree(tmp_path / "link")
    assert [path.name for path in tmp_path.iterdir() if not path.is_symlink()] == ["kept"]


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


@pytest.mark.parametrize("architecture", host_architecture().also_runs)
def test_what_the_host_runs_itself_is_told_of_a_machine_of_its_own(
    work: Path, architecture: Architecture
) -> None:
    if not runs(architecture):
        pytest.skip(f"this machine runs no programs for {architecture}")
    host = host_architecture()
    machine = call(namespaced.tell_machine, Place(work), work=work, foreign=architecture)
    assert machine == {Architecture.x86_64: "i686", Architecture.aarch64: "armv8l"}[host]
    assert call(namespaced.tell_machine, Place(work), work=work, foreign=host) == host.machine
