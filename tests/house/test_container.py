"""The container of aimager is made of what .containerignore lets through, which is enough."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.places import ROOT

IGNORED = (ROOT / ".containerignore").read_text().splitlines()
LET_THROUGH = [line[1:] for line in IGNORED if line.startswith("!")]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that are sent to who makes the container."""
    folder = tmp_path_factory.mktemp("context")
    for name in LET_THROUGH:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    return folder


def test_nothing_else_is_let_through() -> None:
    assert IGNORED[0] == "*"
    assert not {"cache", "out", ".git", ".venv", "tests"} & set(LET_THROUGH)


def test_the_package_can_be_made_of_it(context: Path) -> None:
    project = tomllib.loads((context / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = [
        *wheel["packages"],
        *wheel["force-include"],
        *wheel["shared-data"],
        project["project"]["readme"],
    ]
    assert [name for name in needed if not (context / name).exists()] == []


def test_its_commands_run(context: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "doit", "boards"],
        cwd=context,
        env={"PYTHONPATH": str(context), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "rpi4" in done.stdout


def test_the_page_says_what_the_file_does() -> None:
    text = (ROOT / "Containerfile").read_text()
    page = (ROOT / "docs/container.md").read_text()
    (folder,) = re.findall(r"^WORKDIR (.+)$", text, re.MULTILINE)
    (cache,) = re.findall(r"^ENV AIMAGER_CACHE=(.+)$", text, re.MULTILINE)
    assert f'--volume aimager:{cache} --volume "$PWD:{folder}"' in page
    assert "ARG BASE=" in text
