"""What takes too much ends in one sentence, and nothing of it is left."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from aimager.errors import AimagerError, CommandError, HostError, ImageError
from aimager.sandbox import jail_watch
from aimager.sandbox.jail_watch import Watch
from aimager.sandbox.namespace import call
from aimager.sandbox.privileges import Limits
from aimager.trees import remove_below
from tests.support import jailed
from tests.support.jailed import Ended, Jailed
from tests.support.nested import DEEP, nest
from tests.support.ordinary_user import call_as_user

MIB = 1 << 20
ENOUGH_MEMORY = 300 * MIB
FORK_BOMB = "f() { f | f & }; while :; do f; done"
DETACHED = "while :; do setsid sleep 1000 & done"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


def run(work: Path, script: str, **how: object) -> Ended:
    request = Jailed(work, ("sh", "-c", script), **how)  # type: ignore[arg-type]
    return call(jailed.run_jailed, request, work=work)


def one_sentence(error: AimagerError) -> bool:
    return "\n" not in error.message and "Traceback" not in error.message and bool(error.hint)


@pytest.mark.parametrize("bomb", [FORK_BOMB, DETACHED], ids=["bomb", "detached"])
def test_too_many_processes(work: Path, bomb: str) -> None:
    """They are ended, or end by themselves when they are refused another one."""
    try:
        ended = run(work, bomb, processes=200)
    except ImageError as error:
        assert error.message.startswith("more than 200 processes were started at once by what")
        assert one_sentence(error)
    else:
        assert (ended.status, ended.processes) == (2, ["1"])
        assert "Cannot fork" in ended.said
    assert not work.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="this user is ordinary already")
@pytest.mark.parametrize("bomb", [FORK_BOMB, DETACHED], ids=["bomb", "detached"])
def test_too_many_processes_of_an_ordinary_user(bomb: str) -> None:
    said = call_as_user(Jailed(Path("work"), ("sh", "-c", bomb), processes=200))
    assert "Cannot fork" in said or said.startswith("ImageError: more than 200 processes were"), (
        said
    )
    assert said.count("\n") <= 2, said


def test_as_many_as_allowed(work: Path) -> None:
    script = "i=0; while [ $i -lt 50 ]; do sleep 0.6 & i=$((i + 1)); done; wait; echo good"
    assert run(work, script, processes=100).said == "good\n"


def test_a_full_place(work: Path) -> None:
    with pytest.raises(HostError) as caught:
        run(work, "yes $(seq 1000) >/room/file; sleep 60", room=16 * MIB)
    assert caught.value.message == (
        "the 16.8 MB that the build is made in are full, so what the packages or scripts ran"
        " was ended"
    )
    assert "tmpfs-root=no" in caught.value.hint


def test_who_goes_on_in_a_full_place_is_ended(work: Path) -> None:
    script = "while :; do yes $(seq 1000) >/room/file 2>/dev/null; done"
    with pytest.raises(HostError, match="are full"):
        run(work, script, room=16 * MIB)


def test_a_place_full_of_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(Limits(folder=tmp_path))
    watch.look()
    there = SimpleNamespace(f_files=9, f_favail=0, f_blocks=99, f_frsize=4096, f_bavail=90)
    monkeypatch.setattr(os, "statvfs", lambda _: there)
    with pytest.raises(HostError, match="are full"):
        watch.look()


def test_too_much_is_written(work: Path) -> None:
    script = (
        "i=0; while :; do head -c 4M /dev/zero >/room/$i; i=$((i + 1)); sleep 0.02; done; sleep 60"
    )
    with pytest.raises(ImageError, match=r"more than 25\.2 MB were written by what") as caught:
        run(work, script, written=24 * MIB)
    assert one_sentence(caught.value)


def test_one_file_may_not_be_larger_either(work: Path) -> None:
    ended = run(work, "exec head -c 32M /dev/zero >/room/file", written=24 * MIB)
    assert ended.status in (1, -25), "SIGXFSZ, or EFBIG where that is ignored"


def test_what_others_write_is_nobodys_fault_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk gets fuller, but not by what lies in the folder."""
    free = [900 * MIB, 800 * MIB, 798 * MIB]
    monkeypatch.setattr(jail_watch, "_look_at_space", lambda _: (free.pop(0), 1000 * MIB))
    watch = Watch(Limits(folder=tmp_path, written=MIB))
    watch.look()
    (tmp_path / "file").write_bytes(bytes(2 * MIB))
    with pytest.raises(ImageError):
        watch.look()


def test_what_is_mounted_below_must_not_get_full_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has room by itself, and what is written to both counts."""
    free = {tmp_path: 900 * MIB, tmp_path / "tree": 900 * MIB}
    monkeypatch.setattr(jail_watch, "_look_at_space", lambda folder: (free[folder], 1000 * MIB))
    watch = Watch(Limits(folder=tmp_path, mounted=(tmp_path / "tree",), written=2 * MIB))
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/file").write_bytes(bytes(2 * MIB))
    (tmp_path / "file").write_bytes(bytes(2 * MIB))
    free[tmp_path] -= 2 * MIB
    watch.look()
    free[tmp_path / "tree"] -= 2 * MIB
    with pytest.raises(ImageError):
        watch.look()
    free[tmp_path / "tree"] = 0
    with pytest.raises(HostError, match="are full"):
        watch.look()


def test_a_folder_that_changes_while_it_is_counted(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(bytes(MIB))
    (tmp_path / "link").symlink_to("/")
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "closed").mkdir(mode=0)
    assert MIB <= jail_watch._written(tmp_path) < 2 * MIB


def test_what_lies_deep_is_counted(tmp_path: Path) -> None:
    nest(tmp_path, size=4096)
    try:
        assert jail_watch._written(tmp_path) >= DEEP * 4096
    finally:
        remove_below(tmp_path)


@pytest.mark.parametrize("script", ["yes", "yes >&2", "head -c 1G /dev/zero", "cat /dev/zero >&2"])
def test_too_much_is_said(work: Path, script: str) -> None:
    with pytest.raises(ImageError, match="sh said more than 64 MiB, and was ended") as caught:
        run(work, script)
    assert one_sentence(caught.value)


def test_what_is_said_takes_little_memory(work: Path) -> None:
    ended = run(work, "head -c 60M /dev/zero; exit 7")
    assert ended.status == 7
    assert ended.peak < ENOUGH_MEMORY


def test_no_core_is_dumped(work: Path) -> None:
    with pytest.raises(CommandError):
        ended = run(work, "ulimit -c; cd /tmp; kill -SEGV $$")
        raise CommandError(["sh"], ended.status, ended.said)
    assert run(work, "ulimit -c").said == "0\n"


def test_it_goes_first_where_memory_runs_out(work: Path) -> None:
    assert run(work, "cat /proc/self/oom_score_adj").said == "1000\n"
