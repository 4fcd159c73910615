"""What packages' programs can do, and see, where they are run."""

import json
import os
import struct
from pathlib import Path

import pytest

from aimager.errors import HostError
from aimager.model.architecture import Architecture, host_architecture
from aimager.sandbox import privileges
from aimager.sandbox.compat_probe import program, runs
from aimager.sandbox.forbidden_syscalls import ABIS, UNKNOWN, forbidden
from aimager.sandbox.namespace import call
from tests.support import jailed
from tests.support.jailed import Ended, Jailed
from tests.support.namespaced import make_program

in_both = pytest.mark.parametrize("tools", [False, True], ids=["image", "tools"])
MOUNT_SETATTR = 442


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


def run(work: Path, *argv: str, **how: object) -> Ended:
    return call(jailed.run_jailed, Jailed(work, argv, **how), work=work)  # type: ignore[arg-type]


def probe(work: Path, name: str, **how: object) -> dict[str, str]:
    ended = run(work, probe=name, **how)
    assert ended.status == 0, ended.said
    found: dict[str, str] = json.loads(ended.said)
    return found


@in_both
def test_a_program_runs_and_says_what_it_says(work: Path, tools: bool) -> None:
    ended = run(work, "sh", "-c", "cat; pwd; id -u; umask", given="given\n", tools=tools)
    assert (ended.status, ended.said) == (0, "given\n/\n0\n0022\n")


@in_both
def test_its_end_is_told_as_it_is(work: Path, tools: bool) -> None:
    for command, status in (("exit 7", 7), ("kill -9 $$", -9), ("kill -TERM $$", -15)):
        assert run(work, "sh", "-c", command, tools=tools).status == status


@pytest.mark.parametrize("number", [6, 11, 13])
def test_signals_that_programs_die_of(work: Path, number: int) -> None:
    ended = run(work, "sh", "-c", f"echo said; kill -{number} $$")
    assert (ended.status, ended.said) == (-number, "said")


def test_what_cannot_be_started_is_named(work: Path) -> None:
    with pytest.raises(HostError) as caught:
        run(work, "no-such-program")
    assert caught.value.message == "no-such-program cannot be started: No such file or directory"
    with pytest.raises(HostError) as caught:
        run(work.with_name("other"), "/tool", files={"tool": b"#!/bin/none\n".hex()})
    assert caught.value.message == (
        "/tool cannot be started: /bin/none, by which its file is run, is missing"
    )


@in_both
@pytest.mark.parametrize(
    "daemon",
    [
        "sleep 1000 &",
        "setsid sleep 1000 & sleep 0.1",
        "(setsid sh -c 'trap \"\" TERM HUP INT; sleep 1000' &) & sleep 0.1",
        "sleep 1000 >/dev/null 2>&1 <&- & kill -STOP $!",
    ],
)
def test_nothing_outlives_it(work: Path, tools: bool, daemon: str) -> None:
    ended = run(work, "sh", "-c", f"{daemon}\necho over", tools=tools)
    assert (ended.status, ended.said) == (0, "over\n")
    assert ended.processes == ["1"], "of the worker's namespace, the worker alone"


def test_one_that_is_killed_takes_all_along(work: Path) -> None:
    ended = run(work, "sh", "-c", "setsid sleep 1000 & kill -9 $$")
    assert (ended.status, ended.processes) == (-9, ["1"])


@in_both
def test_an_init_killed_from_outside_is_told(work: Path, tools: bool) -> None:
    with pytest.raises(HostError) as caught:
        run(work, "sleep", "1000", tools=tools, init_killed=True)
    assert caught.value.message == (
        "the namespace in which packages' programs run was ended from outside it"
    )


@in_both
def test_the_root_is_left_as_it_was(work: Path, tools: bool) -> None:
    ended = run(work, "sh", "-c", "echo x >/tmp/x; echo x >/run/x; echo x >/dev/shm/x", tools=tools)
    assert ended.status == 0
    assert set(ended.root) & {"dev", "proc", "run", "sys", "tmp"} <= {"tmp"}


@in_both
def test_what_it_may_do(work: Path, tools: bool) -> None:
    status = probe(work, "tell_status", tools=tools)
    mask = f"{sum(1 << number for number in privileges.INSTALLING):016x}"
    assert mask == "00000000800400fb"
    assert (status["CapPrm"], status["CapEff"], status["CapBnd"]) == (mask, mask, mask)
    assert status["CapInh"] == status["CapAmb"] == "0" * 16
    assert (status["NoNewPrivs"], status["Seccomp"], status["Seccomp_filters"]) == ("1", "2", "1")
    assert status["Groups"].strip() == ""


@in_both
def test_it_sees_its_own_processes_only(work: Path, tools: bool) -> None:
    found = probe(work, "tell_processes", tools=tools)
    assert set(found) == {"1", "2"}
    assert "jail_probe" in found["2"]


@in_both
@pytest.mark.parametrize("number", [9, 10, 15])
def test_signals_of_its_group_reach_nobody_else(work: Path, tools: bool, number: int) -> None:
    ended = run(work, "sh", "-c", f"kill -{number} 0", tools=tools)
    assert ended.status == -number


@in_both
def test_its_session_and_group_are_its_own(work: Path, tools: bool) -> None:
    script = "read -r pid name state above group session rest </proc/self/stat"
    ended = run(work, "sh", "-c", f"{script}; echo $group $session", tools=tools)
    assert ended.said == "1 1\n", "0 is one that its namespace does not know"


@in_both
def test_process_1_cannot_be_looked_into(work: Path, tools: bool) -> None:
    found = probe(work, "look_into_process_1", tools=tools)
    refused = {"EACCES", "EPERM", "ENOTDIR", "ENOENT"}
    assert {name: how for name, how in found.items() if how not in refused} == {}


@in_both
def test_it_inherits_three_pipes(work: Path, tools: bool) -> None:
    found = probe(work, "steal_descriptors", tools=tools)
    assert set(found) == {"0", "1", "2"}
    assert {place.split(":")[0] for place in found.values()} <= {"pipe", "/dev/null", "/null"}


def test_every_forbidden_call_is_refused(work: Path) -> None:
    found = probe(work, "make_forbidden_calls")
    assert found.keys() == forbidden(ABIS[host_architecture()][0]).keys()
    wrong = {n: e for n, e in found.items() if e != ("ENOSYS" if n in UNKNOWN else "EPERM")}
    assert wrong == {}


def test_some_calls_are_refused_by_their_arguments(work: Path) -> None:
    found = probe(work, "make_partly_forbidden_calls")
    assert {name for name, how in found.items() if how == "EPERM"} == {
        *("TIOCSTI", "TIOCSTI, upper bits", "TIOCLINUX", "clone into a user namespace")
    }
    assert {name for name, how in found.items() if how == "EAFNOSUPPORT"} == {
        *("AF_VSOCK", "AF_ALG", "AF_PACKET", "AF_KEY", "AF_BLUETOOTH")
    }
    assert (found["TCGETS"], found["AF_UNIX"]) == ("ENOTTY", "done")
    if host_architecture() is Architecture.x86_64:
        assert found["x32"] == "ENOSYS"


def test_threads_and_programs_start_without_clone3(work: Path) -> None:
    found = probe(work, "work_with_threads")
    assert found == {
        "threads": "thread thread thread thread",
        "program": "program\n",
        "spawned": "0",
    }


def narrow_program(number: int) -> str:
    """A program for i386 whose status is the errno of a system call that is made with zeros."""
    code = b"\xb8" + struct.pack("<I", number)  # mov eax, number
    code += bytes.fromhex("31db 31c9 31d2 31f6 31ff 31ed cd80")  # xor ebx, ebx ...; int 0x80
    code += bytes.fromhex("f7d8 89c3 b801000000 cd80")  # neg eax; mov ebx, eax; exit(ebx)
    return program(code, Architecture.i686.elf_machine).hex()


def test_programs_for_32_bits_are_confined_too(work: Path) -> None:
    if host_architecture() is not Architecture.x86_64 or not runs(Architecture.i686):
        pytest.skip("this machine runs no programs for i386")
    abi = ABIS[Architecture.x86_64][1]
    refused = ("keyctl", "ptrace", "bpf", "umount", "unshare")
    calls = {name: forbidden(abi)[name] for name in (*refused, "clone3")}
    files = {name: narrow_program(number) for name, number in {**calls, "getpid": 20}.items()}
    script = "; ".join(f"/{name}; echo {name} $?" for name in files)
    ended = run(work, "sh", "-c", script, files=files)
    said = dict(line.split() for line in ended.said.splitlines())
    assert {name: said[name] for name in refused} == dict.fromkeys(refused, "1")
    assert said["clone3"] == "38"
    assert said["getpid"] not in ("1", "38", "126"), "others work"


def writing(found: dict[str, str]) -> set[str]:
    """How attempts to make a file ended; there are none to be made in /proc."""
    return {how for name, how in found.items() if name.startswith("write")}


@in_both
def test_what_is_read_only_stays_so(work: Path, tools: bool) -> None:
    found = probe(work, "change_mounts", tools=tools)
    assert {how for name, how in found.items() if not name.startswith("write")} == {"EPERM"}
    assert writing(found) <= {"EROFS", "ENOENT", "EPERM"}


def test_that_does_not_depend_on_the_filter(work: Path) -> None:
    """With all capabilities, too: the mounts belong to the worker's user namespace."""
    found = probe(work, "change_mounts", bare=True)
    assert found["remount /usr"] == "EPERM"
    assert found["umount /usr"] == "EINVAL"
    assert found["write /usr"] == "EROFS"
    assert found["is it mount(2) that is refused"] == "no"


@in_both
def test_it_cannot_change_the_machine(work: Path, tools: bool) -> None:
    found = probe(work, "change_the_machine", tools=tools)
    allowed = {"chroot"}
    if os.geteuid() == 0:  # by its owner's id; it can be raised only
        allowed |= {"/proc/1/oom_score_adj", "/proc/1/comm"}
    done = {name for name, how in found.items() if how == "done"}
    assert done - {"read /proc/kallsyms"} <= allowed


def test_in_a_container_whose_proc_is_partly_covered(work: Path) -> None:
    ended = run(work, "sh", "-c", "echo $((6 * 7)); exit 3", covered=True)
    assert (ended.status, ended.said) == (3, "42")
    found = json.loads(run(work, probe="look_into_process_1", covered=True).said)
    assert "done" not in found.values()


@in_both
def test_it_changes_no_other_process_where_proc_is_partly_covered(work: Path, tools: bool) -> None:
    """Some files of a process are everybody's of its owner: its score, name, and group."""
    script = "for n in oom_score_adj comm autogroup coredump_filter clear_refs; do\n"
    script += "for f in /proc/[0-9]*/$n; do (echo 7 >$f) 2>/dev/null && echo $f; done; done; true"
    ended = run(work, "sh", "-c", script, covered=True, tools=tools)
    assert (ended.status, ended.said) == (0, "")


def test_a_kernel_without_mount_setattr(work: Path) -> None:
    found = probe(work, "change_mounts", forbidden=MOUNT_SETATTR)
    assert writing(found) <= {"EROFS", "ENOENT", "EPERM"}


def test_a_machine_whose_namespaces_are_used_up(work: Path) -> None:
    unshare = {Architecture.x86_64: 272, Architecture.aarch64: 97}[host_architecture()]
    with pytest.raises(HostError, match="the kernel refused a user namespace in another"):
        run(work, "true", forbidden=unshare)


def test_foreign_programs_run_in_it(work: Path) -> None:
    own = host_architecture()
    path = work.parent / "program"
    make_program(path, own)
    assert run(work, "/program", files={"program": path.read_bytes().hex()}).status == 42
