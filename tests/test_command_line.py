"""What doit's command line says of builds is found, and refused where it is wrong."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager import command_line
from aimager.command_line import asks_for_build, jobs_of, refuse_unknown_tasks, variables_of


def test_variables_are_the_words_with_an_equals_sign() -> None:
    words = ["-n", "4", "build", "board=x64-uefi", "--db-file=x", "append-all=a=b c", "out="]
    assert variables_of(words) == {"board": "x64-uefi", "append-all": "a=b c", "out": ""}
    assert variables_of([]) == {}


def test_variables_may_have_dashes_where_they_are_parameters() -> None:
    assert variables_of(["build", "--board=x64-uefi", "arch=x"]) == {
        "board": "x64-uefi",
        "arch": "x",
    }
    assert variables_of(["--board=x", "show", "--board=y", "-nboard=z"]) == {}
    assert variables_of(["build", "--boar=x"]) == {"boar": "x"}, "doit would take it, we refuse it"


@pytest.mark.parametrize(
    ("line", "jobs"),
    [
        ("build board=x", 1),
        ("-n 2 build", 2),
        ("run -n3 build", 3),
        ("--process=4 build", 4),
        ("--process 5 build", 5),
        ("-n 0 build", 1),
        ("build -nboard=2", 1),
        ("build", 1),
    ],
)
def test_how_many_tasks_run_at_the_same_time(line: str, jobs: int) -> None:
    assert jobs_of(line.split()) == jobs
    assert jobs_of([*line.split(), "useradd=-m -n 9 alice"]) == jobs


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("build board=x64-uefi", True),
        ("run -n 2 build board=x64-uefi", True),
        ("board=x64-uefi", True),
        ("", True),
        ("lock board=x64-uefi lock=image.lock", False),
        ("sync-databases board=x64-uefi", False),
    ],
)
def test_whether_all_of_a_build_is_asked_for(line: str, answer: bool) -> None:
    assert asks_for_build(line.split()) == answer


@pytest.fixture
def sigterm() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def load(monkeypatch: pytest.MonkeyPatch, cache: Path, *words: str) -> list[str]:
    monkeypatch.setattr(sys, "argv", ["doit", *words])
    return [build.id for build in command_line.load_builds(cache.parent, cache)]


@pytest.mark.usefixtures("sigterm")
def test_the_build_of_the_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cache = tmp_path / "a/cache"
    assert load(monkeypatch, cache, "list") == []
    assert cache.is_dir()
    assert load(monkeypatch, cache, "build", "board=x64-uefi") == ["archlinux-x86_64-x64-uefi"]
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler


@pytest.mark.usefixtures("sigterm")
def test_a_wrong_command_line_ends_doit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        load(monkeypatch, tmp_path, "bord=x64-uefi")
    assert "there is no variable bord=\n  hint: did you mean board=?" in str(caught.value)
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as caught:
        load(monkeypatch, tmp_path / "file/cache", "list")
    told = f"the folder {tmp_path}/file/cache cannot be written: {tmp_path}/file is not yours"
    assert told in str(caught.value)


@pytest.mark.usefixtures("sigterm")
def test_the_time_is_the_environments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["doit", "board=x64-uefi"])
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    (build,) = command_line.load_builds(tmp_path, tmp_path / "cache")
    assert build.epoch == 1_700_000_000
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(SystemExit, match="SOURCE_DATE_EPOCH=yesterday is no time"):
        command_line.load_builds(tmp_path, tmp_path / "cache")


TASKS = ("build", "boards", "show", "pack-image", "doctor")


@pytest.mark.parametrize(
    ("line", "name", "meant"),
    [
        ("biuld", "biuld", "did you mean build? "),
        ("-n 2 -f dodo.py Build board=x", "Build", "did you mean build? "),
        ("-f dodo.py lst", "lst", "did you mean list? "),
        ("build board=x sohw", "sohw", "did you mean show? "),
        ("build lst", "lst", ""),
        ("pak-image:archlinux-x86_64", "pak-image", "did you mean pack-image? "),
        ("run biuld", "biuld", "did you mean build? "),
        ("help biuld", "biuld", "did you mean build? "),
        ("help lsit", "lsit", "did you mean list? "),
        ("clean --dry-run bord", "bord", "did you mean boards? "),
        ("list --all xyz", "xyz", ""),
    ],
)
def test_a_task_that_is_not_there_is_told_with_the_nearest(
    line: str, name: str, meant: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        refuse_unknown_tasks(line.split(), TASKS)
    told = f"ERROR: there is no task {name}\n  hint: {meant}doit list names all of them"
    assert caught.value.code == told


@pytest.mark.parametrize(
    "line",
    [
        *("", "build", "build show", "-n 2 build board=x", "board=x -n 2", "--process 2 build"),
        *("list", "list --all show", "help", "help list", "help task", "help build", "dumpdb"),
        *("pack-image:whatever", "pack-*", "out/x/disk.img", "./disk.img", "disk.img"),
        *("doctor --json", "build --board x64-uefi", "build --board=x", "--no-such-option biuld"),
        *("clean show", "forget", "tabcompletion --shell zsh", "info build"),
    ],
)
def test_what_is_there_or_doit_knows_better_is_left_to_it(line: str) -> None:
    refuse_unknown_tasks(line.split(), TASKS)
