"""Products leave a worker by files that the builder opened, whole or not at all."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.files import FILE
from aimager.sandbox.answer import ChildFailed
from aimager.sandbox.handed_files import hand_out
from aimager.sandbox.namespace import call
from tests.support import looking
from tests.support.looking import Look, Writing
from tests.support.waiting import wait_until


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "product/id/file"


def make(target: Path, work: Path, writing: Writing) -> list[str]:
    return call(looking.write, writing, work=work, products=[target])


def test_it_appears_with_its_name_when_all_is_done(target: Path, work: Path) -> None:
    seen = make(target, work, Writing({str(target): "made"}))
    assert seen == [str(target)], "no other file of the folder is seen"
    assert target.read_text() == "made"
    assert stat.S_IMODE(target.stat().st_mode) == FILE
    assert [path.name for path in target.parent.iterdir()] == ["file"]


def test_what_had_its_name_is_replaced_and_not_written_to(target: Path, work: Path) -> None:
    target.parent.mkdir(parents=True)
    target.write_text("old")
    with target.open() as old:
        make(target, work, Writing({str(target): "made"}))
        assert old.read() == "old"
    assert target.read_text() == "made"


def test_one_that_is_left_empty_is_not_made(target: Path, work: Path) -> None:
    make(target, work, Writing({str(target): ""}))
    assert list(target.parent.iterdir()) == []
    target.write_text("old")
    make(target, work, Writing({str(target): ""}))
    assert [path.read_text() for path in target.parent.iterdir()] == ["old"]


@pytest.mark.parametrize("mode", [0o4755, 0o6777, 0o1000, 0o600])
def test_its_mode_is_the_builders(target: Path, work: Path, mode: int) -> None:
    make(target, work, Writing({str(target): "made"}, mode=mode))
    assert stat.S_IMODE(target.stat().st_mode) == FILE


def test_one_of_another_owner_is_refused(target: Path, work: Path) -> None:
    target.parent.mkdir(parents=True)
    target.write_text("old")
    with pytest.raises(ImageError, match="file was given another owner while it was made"):
        make(target, work, Writing({str(target): "made"}, mode=0o4755, owner=1))
    assert [path.read_text() for path in target.parent.iterdir()] == ["old"]


def test_who_fails_makes_nothing(target: Path, work: Path, tmp_path: Path) -> None:
    target.parent.mkdir(parents=True)
    target.write_text("old")
    log = tmp_path / "log/it.log"
    writing = Writing({str(target): "made", str(log): "why"}, fails=True)
    with pytest.raises(ChildFailed, match="it fails"):
        call(looking.write, writing, work=work, products=[target], keeps=[log])
    assert [path.read_text() for path in target.parent.iterdir()] == ["old"]
    assert log.read_text() == "why", "what is kept is written in place"
    assert log.parent.stat().st_dev and [path.name for path in log.parent.iterdir()] == ["it.log"]


def test_of_several_one_may_be_impossible(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError), hand_out([tmp_path / "one", tmp_path / "file/other"]):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_kept_file_has_what_it_had(work: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before")
    room = call(looking.look, Look((str(log),)), work=work, keeps=[log])
    assert room.files == {str(log): "before"}
    assert room.written == [str(log)]
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) & 0o7022 == 0


def test_a_new_kept_file_is_the_users_alone(work: Path, tmp_path: Path) -> None:
    log = tmp_path / "new/log"
    call(looking.look, Look(()), work=work, keeps=[log])
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_kept_file_is_no_link(work: Path, tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        call(looking.look, Look(()), work=work, keeps=[tmp_path / "log"])
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_builder_leaves_nothing_unfinished(
    target: Path, work: Path, tmp_path: Path, number: int
) -> None:
    target.parent.mkdir(parents=True)
    target.write_text("old")
    log = tmp_path / "log"
    code = (
        "from pathlib import Path\nfrom aimager.sandbox.namespace import call\n"
        "from tests.support import looking\n"
        f"target, log = Path({str(target)!r}), Path({str(log)!r})\n"
        "writing = looking.Writing({str(target): 'made', str(log): 'said'}, waits=True)\n"
        f"call(looking.write, writing, work=Path({str(work)!r}), products=[target], keeps=[log])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as builder:
        assert builder.stdout
        assert builder.stdout.readline() == b"ready\n"
        assert len(list(target.parent.iterdir())) == 2
        builder.send_signal(number)
        builder.stdout.read()  # to the end of all that has it open
    wait_until(lambda: not work.exists())  # the supervisor removes it last
    assert [path.read_text() for path in target.parent.iterdir()] == ["old"]
    assert log.read_text() == "said"
