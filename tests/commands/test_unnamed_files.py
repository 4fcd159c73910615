"""No file is run that the command line does not name: not for a lock, a list, or a completion."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aimager.commands import demo
from aimager.commands.completion import write_completion
from tests.support.doit_nursery import Nursery, nursery
from tests.support.places import BIN, GOLDEN, ROOT

EVIL = "from aimager.definitions import Board\nBOARD = open({mark!r}, 'w')\n"
MODULE = "open({mark!r}, 'w').close()\n"
LOCKS = {
    "file.lock": "./evil.py",
    "inside.lock": "evil/evil.py",
    "absolute.lock": "{here}/evil.py",
    "id.lock": "evil",
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """A folder as a repository may have it, in which every file that is run leaves a mark."""
    place = tmp_path_factory.mktemp("hostile")
    mark = str(place / "mark")
    (place / "evil").mkdir()
    for path in (place / "evil.py", place / "evil/evil.py", place / "evil/other.py"):
        path.write_text(EVIL.format(mark=mark))
    for name in ("boards", "stages"):
        (place / name).mkdir()
        (place / name / "__init__.py").write_text(MODULE.format(mark=mark))
    for name in ("dodo", "json", "sitecustomize", "plugin", "aimager"):
        (place / f"{name}.py").write_text(MODULE.format(mark=mark))
    (place / "pyproject.toml").write_text('[tool.doit.plugins.command]\nlist = "plugin:List"\n')
    (place / "doit.cfg").write_text("[COMMAND]\nlist = plugin:List\n")
    good: dict[str, Any] = json.loads((GOLDEN / "lockfile.json").read_text())
    for name, board in LOCKS.items():
        good["build"]["board"] = board.format(here=place)
        (place / name).write_text(json.dumps(good))
    with nursery(place) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _without_a_mark(opened: Nursery) -> None:
    (opened.folder / "mark").unlink(missing_ok=True)


def run(opened: Nursery, line: str) -> tuple[int, str]:
    """The exit status of a command, and what it said; the mark must not be there."""
    environment = {"AIMAGER_CACHE": str(opened.folder / "cache")}
    # As installed, which does not look for modules where the user stands.
    apart = "import os, sys; sys.path[:] = [p for p in sys.path if p not in ('', os.getcwd())]"
    status, said = opened.run(line.split(), environment, apart, program="aimager")
    assert "Traceback" not in said
    return status, said


def marked(opened: Nursery) -> bool:
    """Whether something was run."""
    return (opened.folder / "mark").exists()


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize(
    "line",
    [
        *("build {}", "update {}", "lock {}", "why {}", "show {}", "boot {}", "doctor {}"),
        *(
            "graph {}",
            "list --all {}",
            "list -s {}",
            "build distro=alarm {}",
            "build boards=evil {}",
        ),
        *("completion for=bash {}", "matrix {}", "boards {}"),
    ],
)
def test_a_lock_is_data(opened: Nursery, line: str, lock: str) -> None:
    status, said = run(opened, line.format(f"lock={lock}"))
    assert not marked(opened), f"{line} has run a file of the lock's"
    if line.split()[0] not in ("completion", "matrix", "boards"):
        assert status == 1
        assert LOCKS[lock].format(here=opened.folder) in said
        assert said.count("hint: ") == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("boards boards=evil", "evil/evil.py was not named, and would have to be run"),
        ("boards boards=./evil/", "NOT READ: "),
        ("tables boards=evil", "evil/other.py was not named"),
        ("distros boards=evil", "archlinux"),
        ("matrix boards=evil", "evil/evil.py was not named, and would have to be run"),
        ("matrix boards=x64-uefi,evil for=gitlab", "was not named"),
        ("completion for=bash boards=evil", "_aimager"),
        ("completion for=fish boards=evil board=evil", "__aimager"),
        ("list boards=evil", "build"),
        ("list --all boards=evil board=x64-uefi", "pack-image:archlinux-x86_64-x64-uefi"),
        ("show boards=evil board=x64-uefi", "x64-uefi"),
        ("show boards=evil board=evil", "there is no board evil"),
        ("help build", "board"),
        ("boards", "x64-uefi"),
        ("tabcompletion", "runs the dodo.py of whatever folder one stands in"),
        ("tabcompletion --hardcode-tasks", "doit completion for=bash"),
    ],
)
def test_a_folder_is_read_and_not_run(opened: Nursery, line: str, told: str) -> None:
    _, said = run(opened, line)
    assert not marked(opened), f"{line} has run a file that nobody named"
    assert told in said


def test_what_is_named_is_run(opened: Nursery) -> None:
    """Else the other tests would show nothing."""
    run(opened, "show board=./evil.py")
    assert marked(opened)


@pytest.mark.parametrize("line", ["list", "boards", "boards boards=evil", "show board=x64-uefi"])
def test_the_installed_program_runs_nothing_of_where_one_stands(opened: Nursery, line: str) -> None:
    environment = {"PATH": os.environ["PATH"], "AIMAGER_CACHE": str(opened.folder / "cache")}
    done = subprocess.run(
        [Path(sys.executable).with_name("aimager"), *line.split()],
        cwd=opened.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not marked(opened)


def test_a_program_of_ours_that_we_start_runs_nothing_of_where_one_stands(
    opened: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(opened.folder)
    monkeypatch.setenv("AIMAGER_CACHE", str(opened.folder / "cache"))
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    assert demo._run([*demo.PROGRAM, "boards"]) == 0
    assert not marked(opened)
    demo._run([sys.executable, "-m", "aimager.commands.program", "boards"])
    assert marked(opened), "which is what happens otherwise"


def test_a_key_that_completes_runs_nothing(opened: Nursery) -> None:
    script = opened.folder.parent / "script.bash"
    script.write_text(write_completion("bash", {"build": "build"}))
    for line in ("doit bui", "doit build board=./ev", "doit boards boards=evil"):
        code = (
            f"source {script}; COMP_LINE='{line}' COMP_POINT=${{#COMP_LINE}} COMP_WORDBREAKS=' ';"
            " compopt() { :; }; _aimager; printf '%s\\n' \"${COMPREPLY[@]}\""
        )
        done = subprocess.run(
            ["bash", "-c", code],
            cwd=opened.folder,
            env={"PATH": f"{BIN}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert line.split()[-1] in done.stdout
        assert not marked(opened)
    assert ROOT not in opened.folder.parents
