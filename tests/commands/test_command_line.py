"""What doit's command line says of builds is found, and refused where it is wrong."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.commands import command_line
from aimager.commands.command_line import (
    Options,
    asks_for_build,
    jobs_of,
    refuse_unknown_tasks,
    variables_of,
)
from tests.support.places import ROOT


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
def test_what_is_no_utf_8_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        load(monkeypatch, tmp_path, "board=x64-uefi", "append-all=b\udcff")
    assert "append-all=b\udcff is not in UTF-8\n  hint: type it" in str(caught.value)
    with pytest.raises(SystemExit, match="chpasswd= is not in UTF-8"):
        load(monkeypatch, tmp_path, "board=x64-uefi", "chpasswd=alice:hunter2\udcff")
    for folder in (tmp_path / "c\udcff", Path("\udcff")):
        with pytest.raises(SystemExit, match="is not in UTF-8\n  hint: AIMAGER_CACHE"):
            load(monkeypatch, folder, "list")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_standard_streams_may_be_closed(tmp_path: Path, closed: str) -> None:
    doit = [sys.executable, "-m", "doit", "-f", str(ROOT / "dodo.py")]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *doit, "show", "board=x64-uefi"],
        env={**os.environ, "AIMAGER_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.usefixtures("sigterm")
def test_the_time_is_the_environments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["doit", "board=x64-uefi"])
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    (build,) = command_line.load_builds(tmp_path, tmp_path / "cache")
    assert build.epoch == 1_700_000_000
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(SystemExit, match="SOURCE_DATE_EPOCH=yesterday is not a time"):
        command_line.load_builds(tmp_path, tmp_path / "cache")


TASKS: dict[str, Options] = {
    "build": ({"name": "board", "long": "board", "default": ""},),
    "doctor": ({"name": "as_json", "long": "json", "type": bool, "default": False},),
    **dict.fromkeys(("boards", "show", "pack-image"), ()),
}
RESULTS = {"pack-image:arch-x64": ["/out/x/disk.img"], "pack-image:arch-rpi": ["/out/r/disk.img"]}
ALL = "doit list names all of them"
PARTS = "doit list --all names those of the build that distro= and board= describe"


@pytest.mark.parametrize(
    ("line", "name", "hint"),
    [
        ("biuld", "biuld", f"did you mean build? {ALL}"),
        ("-n 2 -f dodo.py Build board=x", "Build", f"did you mean build? {ALL}"),
        ("-f dodo.py lst", "lst", f"did you mean list? {ALL}"),
        ("build board=x sohw", "sohw", f"did you mean show? {ALL}"),
        ("build --board=x sohw", "sohw", f"did you mean show? {ALL}"),
        ("build --board x sohw", "sohw", f"did you mean show? {ALL}"),
        ("build lst", "lst", ALL),
        ("pak-image:no", "pak-image:no", f"did you mean pack-image? {ALL}"),
        ("build pack-image:typo", "pack-image:typo", f"did you mean pack-image? {PARTS}"),
        (
            "pack-image:arch-x46",
            "pack-image:arch-x46",
            f"did you mean pack-image:arch-x64? {PARTS}",
        ),
        ("info pack-image:x", "pack-image:x", f"did you mean pack-image? {PARTS}"),
        ("show:me", "show:me", f"did you mean show? {PARTS}"),
        ("pack-*x", "pack-*x", ALL),
        ("/out/y.iso", "/out/y.iso", ALL),
        ("clean /out/x/disk.img", "/out/x/disk.img", ALL),
        ("run biuld", "biuld", f"did you mean build? {ALL}"),
        ("help biuld", "biuld", f"did you mean build? {ALL}"),
        ("help lsit", "lsit", f"did you mean list? {ALL}"),
        ("clean --dry-run bord", "bord", f"did you mean boards? {ALL}"),
        ("list --all xyz", "xyz", ALL),
    ],
)
def test_a_task_that_is_not_there_is_told_with_the_nearest(line: str, name: str, hint: str) -> None:
    with pytest.raises(SystemExit) as caught:
        refuse_unknown_tasks(line.split(), TASKS, RESULTS)
    assert caught.value.code == f"ERROR: there is no task {name}\n  hint: {hint}"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("build --no-such", "the task build has no such option: --no-such not recognized"),
        ("build --board", "the task build has no such option: --board requires argument"),
        ("show --json", "the task show has no such option: --json not recognized"),
        ("pack-image:arch-x64 --json", "the task pack-image:arch-x64 has no such option: --json"),
    ],
)
def test_a_wrong_option_of_a_task_is_told(line: str, told: str) -> None:
    with pytest.raises(SystemExit) as caught:
        refuse_unknown_tasks(line.split(), TASKS, RESULTS)
    assert str(caught.value).startswith(f"ERROR: {told}")
    assert f"\n  hint: doit help {line.split()[0]} explains" in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        *("", "build", "build show", "-n 2 build board=x", "board=x -n 2", "--process 2 build"),
        *("list", "list --all show", "help", "help list", "help task", "help build", "dumpdb"),
        *("pack-image:arch-x64", "pack-*", "pack-image:*", "/out/x/disk.img"),
        *("doctor --json", "build --board x64-uefi", "build --board=x", "--no-such-option"),
        *("clean show", "forget", "tabcompletion --shell zsh", "info build"),
    ],
)
def test_what_is_there_or_doit_knows_better_is_left_to_it(line: str) -> None:
    refuse_unknown_tasks(line.split(), TASKS, RESULTS)
