"""What doit itself offers, on a graph whose locks come out of a file: no mirror is asked."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.graph.planning import make_plan
from aimager.model.lock import Lock
from aimager.packages.lock_file import LockedBuild, format_lock_file, join_locks
from tests.support.doit_nursery import PROGRAMS, Nursery, nursery
from tests.support.locked import make_package

BOARD = "board=x64-uefi"
TASK = "resolve-packages:archlinux-x86_64-x64-uefi"
"""The task that most of the tests are about: it takes the build's own lock out of the file."""

ROOTFS = "resolve-packages:archlinux-x86_64.rootfs"
NEXT = "fetch-packages:archlinux-x86_64-x64-uefi"


def write_lock(folder: Path) -> None:
    """Write a lock file for the board, of one package."""
    build = read_build({"board": "x64-uefi"}, folder)
    assert build
    plan = make_plan(build, None)
    parts = {
        request.subject: Lock(request.platform.id, (), tuple(map(make_package, build.installs)))
        for request in plan.requests
    }
    locked = LockedBuild(
        distro=build.platform.distro.id,
        architecture=build.platform.architecture,
        board=build.board.id,
        install_packages=build.packages,
        host=plan.host.id,
        settings=build.settings_fingerprint,
        initramfs=build.initramfs or "",
        file_systems=build.file_systems,
    )
    (folder / "image.lock").write_text(format_lock_file(join_locks(parts, locked)))


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    folder = tmp_path_factory.mktemp("commands")
    write_lock(folder)
    with nursery(folder) as opened:
        yield opened


Run = Callable[..., str]


@pytest.fixture(params=PROGRAMS)
def run(opened: Nursery, request: pytest.FixtureRequest) -> Run:
    """Runs either program on a cache in which the locks have just been taken."""

    def run(line: str, status: int = 0) -> str:
        words = [*line.split(), BOARD, "lock=image.lock"]
        ended, said = opened.run(
            words, {"AIMAGER_CACHE": str(opened.folder / "cache")}, program=request.param
        )
        assert ended == status, said
        return said

    run("resolve-packages")
    return run


def statuses(run: Run, *names: str) -> dict[str, str]:
    """What ``list -s`` says of tasks."""
    lines = run(f"list --all -s -q {' '.join(names)}").splitlines()
    return {name: letter for letter, name in (line.split() for line in lines)}


def test_list_tells_what_would_run_of_tasks_and_groups(run: Run) -> None:
    told = statuses(run)
    assert (told[TASK], told["resolve-packages"], told[NEXT]) == ("U", "U", "R")
    assert (told["fetch-packages"], told["build"], told["show"]) == ("R", "R", "R")
    assert statuses(run, TASK) == {TASK: "U"}


def test_info_tells_why(run: Run) -> None:
    assert "status     : up to date\n" in run(f"info {TASK}")
    told = run(f"info {NEXT}", status=1)
    assert "status     : run, linux 1.0-1, linux-lts 1.0-1," in told
    assert f"\n - {TASK}\n" in told
    assert "status" not in run(f"info --no-status {NEXT}")
    assert "runs whenever it is named" in run("info show", status=1)
    assert "doit info tells about one task" in run("info", status=1)


def test_what_is_forgotten_runs_again(run: Run) -> None:
    assert run(f"forget {TASK}") == f"forgetting {TASK}\n"
    told = statuses(run)
    assert (told[TASK], told[ROOTFS], told["resolve-packages"]) == ("R", "U", "R")
    assert f"forgetting {ROOTFS}\n" in run("forget resolve-packages")
    assert statuses(run)[ROOTFS] == "R"
    run("resolve-packages")
    assert f"forgetting {ROOTFS}\n" in run("forget -s fetch-packages:*.rootfs")
    assert statuses(run)[TASK] == "U"
    assert f"forgetting {TASK}\n" in run("forget --all")
    assert statuses(run)[TASK] == "R"
    for line in ("forget", "forget show"):
        assert "ERROR: there is nothing to forget\n  hint: name tasks" in run(line, status=1)


def test_what_is_cleaned_is_gone(run: Run) -> None:
    assert run(f"clean -n {TASK}") == f"would clean {TASK}\n"
    assert statuses(run)[TASK] == "U"
    assert run(f"clean {TASK}") == f"cleaning {TASK}\n"
    assert statuses(run)[TASK] == "R"
    run("resolve-packages")
    said = run("clean").splitlines()
    assert said[0] == "cleaning pack-image:archlinux-x86_64-x64-uefi"
    assert f"cleaning {TASK}" in said
    assert len(said) == len(set(said))
    assert statuses(run)[ROOTFS] == "R"
    assert "there is nothing to clean" in run("clean show", status=1)


def test_a_task_runs_again_where_that_is_asked_for(run: Run) -> None:
    assert f"-- {TASK}" in run(TASK)
    assert "made again as asked" in run(f"run -a {TASK}")
    assert f"-- {TASK}" in run(TASK)


def test_a_task_alone_finds_what_others_made(run: Run) -> None:
    told = run(f"run -s {NEXT} offline=yes", status=1)
    assert "the package linux 1.0-1 is not in the cache" in told, "it was in the lock"
    assert TASK not in told
    run("forget resolve-packages")
    told = run(f"run -s {NEXT} offline=yes", status=1)
    assert f"{TASK} makes what {NEXT} reads, and has not been run\n  hint: leave out -s" in told


@pytest.mark.parametrize("command", ["dumpdb", "ignore", "reset-dep"])
def test_there_is_no_database(opened: Nursery, command: str) -> None:
    status, said = opened.run([command], {}, program="aimager")
    assert status == 1
    assert said.startswith(f"ERROR: doit {command} has no effect here: the cache tells")
    assert "\n  hint: doit list -s" in said


@pytest.mark.parametrize("name", ["run", "list", "clean", "show", "build", "doctor"])
def test_help_names_no_file_that_is_not_read(opened: Nursery, name: str) -> None:
    status, said = opened.run(["help", name], {}, program="aimager")
    assert status == 0
    assert name in said
    assert "config:" not in said
