"""What doit's command line says of builds is found, and refused where it is wrong."""

from pathlib import Path

import pytest

from aimager.commands.command_line import Asked, load_builds, unknown_option, unknown_task
from aimager.errors import ConfigError
from tests.support.places import ROOT


def asked(*words: str, folder: Path = ROOT, **assignments: str) -> Asked:
    """A command line of ``doit run``."""
    return Asked(folder, words=words, assignments=assignments)


def test_variables_may_have_dashes_where_they_are_parameters() -> None:
    line = asked("-board=z", "show", "--board=y", "build", "--board=x64-uefi", "-n", arch="x")
    assert line.variables == {"board": "x64-uefi", "arch": "x"}
    assert asked("show", "--board=y").variables == {}
    assert asked("build", "--boar=x").variables == {"boar": "x"}, "doit takes it, we refuse it"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (asked("build", board="x64-uefi"), True),
        (asked("show", "build"), True),
        (asked(), True),
        (asked("lock", lock="image.lock"), False),
        (asked("sync-databases"), False),
        (Asked(ROOT, "list"), False),
    ],
)
def test_whether_all_of_a_build_is_asked_for(line: Asked, answer: bool) -> None:
    assert line.is_for_build is answer


def test_a_lock_is_made_anew_for_those_who_write_it() -> None:
    assert asked("lock").resolves_anew
    assert asked("update").resolves_anew
    assert not asked("build").resolves_anew


def test_the_build_of_the_command_line(tmp_path: Path) -> None:
    cache = tmp_path / "a/cache"
    assert load_builds(Asked(tmp_path, "list"), cache) == ()
    assert cache.is_dir()
    (build,) = load_builds(asked("build", folder=tmp_path, board="x64-uefi"), cache)
    assert build.id == "archlinux-x86_64-x64-uefi"
    assert load_builds(asked("matrix", board="x64-uefi"), cache) == ()


def test_a_wrong_command_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no variable bord=\n  hint: did you mean board="):
        load_builds(asked(bord="x64-uefi"), tmp_path)
    (tmp_path / "file").touch()
    told = f"the folder {tmp_path}/file/cache cannot be written: {tmp_path}/file is not yours"
    with pytest.raises(ConfigError, match=told):
        load_builds(Asked(ROOT, "list"), tmp_path / "file/cache")


def test_what_is_not_in_utf_8_is_refused(tmp_path: Path) -> None:
    words = {"board": "x64-uefi", "append-all": "b\udcff"}
    with pytest.raises(ConfigError, match=r"append-all=b\\udcff is not in UTF-8\n  hint: type it"):
        load_builds(Asked(ROOT, assignments=words), tmp_path)
    secret = {"board": "x64-uefi", "chpasswd": "alice:hunter2\udcff"}
    with pytest.raises(ConfigError, match="chpasswd= is not in UTF-8"):
        load_builds(Asked(ROOT, assignments=secret), tmp_path)
    for folder in (tmp_path / "c\udcff", Path("\udcff")):
        with pytest.raises(ConfigError, match="is not in UTF-8\n  hint: AIMAGER_CACHE"):
            load_builds(Asked(ROOT, "list"), folder)


def test_the_time_is_the_environments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    (build,) = load_builds(asked(board="x64-uefi"), tmp_path)
    assert build.epoch == 1_700_000_000
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(ConfigError, match="SOURCE_DATE_EPOCH=yesterday is not a time"):
        load_builds(asked(board="x64-uefi"), tmp_path)


TASKS = ("build", "doctor", "boards", "show", "pack-image", "pack-image:arch-x64")
ALL = "doit list names all of them"
PARTS = "doit list --all names those of the build that distro= and board= describe"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("biuld", f"did you mean build? {ALL}"),
        ("Build", f"did you mean build? {ALL}"),
        ("shwo", f"did you mean show? {ALL}"),
        ("lst", f"did you mean list? {ALL}"),
        ("pak-image:no", f"did you mean pack-image or pack-image:arch-x64? {ALL}"),
        ("pack-image:arch-x46", f"did you mean pack-image:arch-x64 or pack-image? {PARTS}"),
        ("pack-image:typo", f"did you mean pack-image or pack-image:arch-x64? {PARTS}"),
        ("show:me", f"did you mean show? {PARTS}"),
        ("pack-*x", ALL),
        ("/out/y.iso", ALL),
    ],
)
def test_a_task_that_is_not_there_is_told_with_the_nearest(name: str, hint: str) -> None:
    error = unknown_task(name, TASKS, ("list", "help"))
    assert str(error) == f"there is no task {name}\n  hint: {hint}"


def test_a_command_is_not_meant_where_only_tasks_are_taken() -> None:
    assert unknown_task("lst", TASKS).hint == ALL


@pytest.mark.parametrize(
    ("words", "told", "task"),
    [
        (["build", "--no-such"], "--no-such not recognized", "build"),
        (["boards", "show", "--json=x"], "--json not recognized", "show"),
        (["build", "--board", "x", "show", "--a"], "--a not recognized", "show"),
    ],
)
def test_a_wrong_option_of_a_task_is_told(words: list[str], told: str, task: str) -> None:
    error = unknown_option(told, words, TASKS)
    assert error.message == f"the task {task} has no such option: {told}"
    assert error.hint.startswith(f"doit help {task} explains")
