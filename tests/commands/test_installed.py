"""The program installed from a wheel: it needs no checkout, and makes the same products."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.modules import source_files
from tests.support.places import ROOT

IDS = """
import json, pkgutil
from aimager import stages
from aimager.products.stage_code import code_of
names = [module.name for module in pkgutil.iter_modules(stages.__path__)]
print(json.dumps({name: dict(code_of(f"aimager.stages.{name}")) for name in names}))
"""

BOARD = """
from aimager.model.board import Board
BOARD = Board("own", "My own", distros=("archlinux",))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel, and the libraries of this one."""
    venv = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    options = ("--no-deps", "--no-compile", "--no-index", "--quiet")
    pip = [sys.executable, "-m", "pip", "--python", str(venv / "bin/python"), "install"]
    subprocess.run([*pip, *options, str(wheel)], check=True)
    (packages,) = venv.glob("lib/*/site-packages")
    libraries = [path for path in sys.path if path.endswith("-packages")]
    (packages / "libraries.pth").write_text("\n".join(libraries))
    return venv / "bin"


Run = Callable[..., str]


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Run:
    """Runs a program of the environment in an empty folder, and returns what it prints."""

    def run(program: str, *words: str, status: int = 0) -> str:
        done = subprocess.run(
            [installed / program, *words],
            cwd=tmp_path,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    return run


def test_the_wheel_has_every_file_of_ours_and_no_other_package(wheel: Path) -> None:
    files = [path.relative_to(ROOT) for path in source_files()]
    ours = {str(path) for path in files if path.parts[0] == "aimager"}
    ours |= {f"aimager/{path}" for path in files if path.parts[0] in {"boards", "dodo.py"}}
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed - ours == {name for name in packed if ".data/" in name}
    assert ours <= packed


def test_it_works_in_an_empty_folder(run: Run, tmp_path: Path) -> None:
    assert "\nbuild " in run("aimager", "list")
    assert "\nrpi4 " in run("aimager", "boards")
    assert run("aimager", "show", "board=x64-uefi").startswith("board:\n  id: x64-uefi\n")
    assert "#compdef" in run("aimager", "completion", "for=zsh")
    assert not list(tmp_path.iterdir()), "what only tells needs no cache"
    told = run("aimager", "test", status=1)
    assert "an installed aimager has no tests" in told


def test_the_manual_page_lies_where_man_finds_it(installed: Path) -> None:
    page = installed.parent / "share/man/man1/aimager.1"
    assert page.read_bytes() == (ROOT / "docs/aimager.1").read_bytes()


def test_boards_of_the_users_own_are_found(run: Run, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(BOARD)
    assert "  name: My own\n" in run("aimager", "show", "board=./own.py")


def test_the_sandbox_starts(run: Run) -> None:
    said = run("aimager", "doctor", "distro=archlinux", "offline=yes")
    assert "\nok       a whole namespace: " in said
    assert "mirrors" not in said


def test_products_have_the_ids_that_they_have_from_a_checkout(run: Run) -> None:
    here = subprocess.run(
        [sys.executable, "-c", IDS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    there = json.loads(run("python", "-c", IDS))
    assert there == json.loads(here.stdout)
    assert len(there) > 10
