"""The program as both entry points start it: ``doit`` with our dodo.py, and ``aimager``."""

import functools
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.commands.doit_commands import COMMANDS
from tests.support.doit_nursery import PROGRAMS, Nursery, nursery
from tests.support.places import ROOT


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with nursery(tmp_path_factory.mktemp("program")) as opened:
        yield opened


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> str:
    """Each entry point."""
    name: str = request.param
    return name


def run(opened: Nursery, program: str, line: str) -> tuple[int, str]:
    """The exit status and what is said of a line's words."""
    environment = {"AIMAGER_CACHE": str(opened.folder / "cache")}
    return opened.run(line.split(), environment, program=program)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("build show sohw", "there is no task sohw\n  hint: did you mean show? "),
        ("lst", "there is no task lst\n  hint: did you mean list"),
        ("run lst", "there is no task lst\n  hint: did you mean list"),
        ("help biuld", "there is no task biuld\n  hint: did you mean build? "),
        ("list --all xyz", "there is no task xyz\n  hint: doit list names all"),
        ("clean --dry-run bord", "there is no task bord\n  hint: did you mean boards? "),
        ("clean x*y", "there is no task x*y\n"),
        ("forget nothing", "there is no task nothing\n"),
        ("build y*", "there is no task y*\n"),
        ("show --json", "the task show has no such option: --json not recognized\n  hint: doit h"),
        (
            "build --board",
            "--board has no value\n  hint: write it as --board=VALUE, or board=VALUE",
        ),
        (
            "show --bord=x",
            "the task show has no such option: --bord not recognized\n  hint: did you",
        ),
        ("board=x65-uefi", "there is no board x65-uefi\n  hint: did you mean x64-uefi, "),
        ("list bord=x", "there is no variable bord=\n  hint: did you mean board="),
    ],
)
def test_a_mistake_is_told_in_a_sentence(
    opened: Nursery, program: str, line: str, told: str
) -> None:
    status, said = run(opened, program, line)
    assert (status, said[: len(told) + 7]) == (1, f"ERROR: {told}")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--no-such build", "doit run: option --no-such not recognized\n  hint: doit help run "),
        ("list --no-such", "doit list: option --no-such not recognized\n  hint: doit help list "),
        ("-n many build", "doit run: Error parsing parameter 'num_process' <class 'int'>. inv"),
    ],
)
def test_a_wrong_option_of_doit_itself_is_told(opened: Nursery, line: str, told: str) -> None:
    status, said = run(opened, "aimager", line)
    assert (status, said[: len(told) + 7]) == (1, f"ERROR: {told}")
    plain = subprocess.run(
        [sys.executable, "-m", "doit", *line.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (plain.returncode, plain.stderr) == (status, said)


@pytest.mark.parametrize("name", ["build", "variables", "cache-prune"])
def test_help_is_the_same_in_a_checkout(opened: Nursery, name: str) -> None:
    status, said = run(opened, "aimager", f"help {name}")
    assert name in said
    argv = [sys.executable, "-m", "doit", "help", name]
    plain = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (plain.returncode, plain.stdout) == (status, said)
    assert status == 0


def test_doit_has_our_commands_in_a_checkout() -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert known["tool"]["doit"]["loader"] in known["tool"]["doit"]["plugins"]["loader"]
    assert known["tool"]["doit"]["plugins"]["command"] == {
        kind.get_name(): f"{kind.__module__}:{kind.__name__}" for kind in COMMANDS
    }


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("matrix boards=nono", "there is no board nono"),
        ("matrix for=gitbub", "for=gitbub is not known"),
        ("completion", "for= is missing"),
        ("graph", "there is no graph to print"),
        ("graph board=rpi4 for=svg", "for=svg is not known"),
        ("show", "there is nothing to show"),
    ],
)
def test_an_error_of_what_prints_is_all_that_is_said(opened: Nursery, line: str, told: str) -> None:
    status, said = run(opened, "aimager", line)
    assert status == 1
    assert said.startswith(told)
    assert "\n  hint: " in said


def test_lists_are_printed_alone(opened: Nursery, program: str) -> None:
    status, said = run(opened, program, "boards")
    assert status == 0
    assert said.startswith("board ")


def test_both_list_the_same_tasks(opened: Nursery) -> None:
    lists = [run(opened, program, "list --all board=x64-uefi") for program in PROGRAMS]
    assert lists[0] == lists[1]
    assert "pack-image:archlinux-x86_64-x64-uefi " in lists[0][1]


def typed(program: str, *words: str, before: str = "") -> tuple[int, str, str]:
    """The exit status, output and errors of words that are typed in the checkout.

    ``before`` is Python that is executed before.
    """
    module = {"doit": "doit", "aimager": "aimager.commands.program"}[program]
    code = f"{before}\nimport runpy, sys; sys.argv[0] = {program!r}\n"
    code += f"runpy.run_module({module!r}, run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=ROOT, check=False
    )
    return done.returncode, done.stdout, done.stderr


@functools.cache
def plainly_typed() -> tuple[int, str, str]:
    """The same of words without dashes."""
    return typed("aimager", "show", "board=x64-uefi")


@pytest.mark.parametrize(
    "words",
    [
        ("", "show", "board=x64-uefi", ""),
        ("show", "--board=x64-uefi"),
        ("show", "--board", "x64-uefi", "--seed", ""),
        ("--board", "x64-uefi", "show"),
        ("--board=x64-uefi", "", "show"),
    ],
)
def test_variables_may_have_dashes_and_empty_words_are_nothing(
    program: str, words: tuple[str, ...]
) -> None:
    shown = typed(program, *words)
    assert shown == plainly_typed()
    assert shown[0] == 0


@pytest.mark.parametrize("words", [(), ("",)])
def test_whoever_types_nothing_is_told_what_to_type(program: str, words: tuple[str, ...]) -> None:
    status, said, wrong = typed(program, *words)
    assert (status, wrong, len(said.splitlines())) == (0, "", 5)
    assert all(len(line) < 100 for line in said.splitlines())


@pytest.mark.parametrize("boards", ["x64-uefi,rpi4", "rpi4,riscv64-uboot,x64-uefi", "rpi2,rpi4"])
@pytest.mark.parametrize(
    "more",
    [
        (),
        (f"trust-key={'A' * 40}", "repo-url-core=http://m/$repo"),
        ("root-fs=xfs", "packages=."),
        ("repos-base=core,extra,multilib", "use-pacman-static=yes"),
        ("tools=host",),
    ],
)
def test_boards_of_several_architectures_share_what_is_the_hosts(
    opened: Nursery, boards: str, more: tuple[str, ...]
) -> None:
    """Each task is made in one way, whichever of the boards it is for."""
    status, said = run(opened, "aimager", " ".join(("list --all", f"board={boards}", *more)))
    assert status == 0, said
    assert all(f"-{board} " in said for board in boards.split(","))


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_tasks_run_at_the_same_time_whatever_python_would_do(program: str, method: str) -> None:
    """Python 3.14 would start a server of forks, to which our tasks cannot be sent."""
    before = f"import multiprocessing; multiprocessing.set_start_method({method!r})"
    status, said, wrong = typed(program, "-n", "2", "boards", "distros", before=before)
    assert (status, wrong) == (0, "")
    assert "\narchlinux " in said
    assert "\nx64-uefi " in said


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_standard_streams_may_be_closed(opened: Nursery, program: str, closed: str) -> None:
    argv = [sys.executable, "-m", *PROGRAMS[program], "show", "board=x64-uefi"]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *argv],
        env={**os.environ, "AIMAGER_CACHE": str(opened.folder), "PYTHONPATH": str(ROOT)},
        cwd=opened.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_help_of_a_build_is_grouped(opened: Nursery) -> None:
    status, said = run(opened, "doit", "help build")
    _, listed = run(opened, "doit", "variables")
    assert status == 0
    assert said.splitlines()[0].startswith("build  build what distro=")
    assert said.endswith(listed)
    assert "\n\nThe disk:\n  table=\n" in said


@pytest.mark.parametrize("words", ["list", "show board=x64-uefi", "help build"])
def test_a_reader_may_leave(tmp_path: Path, words: str) -> None:
    line = f'set -o pipefail; "$@" {words} | head -n 0'
    done = subprocess.run(
        ["bash", "-c", line, "bash", sys.executable, "-u", "-m", "aimager.commands.program"],
        cwd=ROOT,
        env={**os.environ, "AIMAGER_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


def test_the_graph_of_another_checkout_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "dodo.py"
    other.write_text((ROOT / "dodo.py").read_text())
    done = subprocess.run(
        [sys.executable, "-m", "doit", "-f", other, "list"],
        cwd=ROOT,
        env={**os.environ, "AIMAGER_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    told = f"ERROR: {other} is not the dodo.py of {ROOT}/aimager, whose code would run\n  hint: "
    assert (done.returncode, done.stderr[: len(told)]) == (1, told)
