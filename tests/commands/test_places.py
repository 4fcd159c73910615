"""Wherever a checkout and whoever uses it are, what can be told there is told."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aimager.commands.doctor import diagnosis
from aimager.commands.doctor.finding import State
from aimager.graph import artifacts
from tests.support.places import ROOT

COMMANDS = ("list", "boards", "show board=x64-uefi", "list --all board=rpi4")


def told(checkout: Path, words: str, **environment: str) -> tuple[int, str, str]:
    """The exit status, output and errors of words that are typed in a checkout."""
    done = subprocess.run(
        [sys.executable, "-m", "aimager.commands.program", *words.split()],
        cwd=checkout,
        env={
            **{name: value for name, value in os.environ.items() if name != "AIMAGER_CACHE"},
            "PYTHONPATH": str(checkout),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of ours, without what is big, in a folder of such a name."""
    folder: Path = tmp_path_factory.mktemp("places") / "two  \u00e4\u00a0\tblanks"
    for name in ("aimager", "boards"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dodo.py", folder)
    return folder


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
    ids=["c", "ascii"],
)
@pytest.mark.parametrize("words", [*COMMANDS, "why board=x64-uefi"])
def test_a_path_may_have_blanks_and_any_letters(
    checkout: Path, words: str, locale: dict[str, str]
) -> None:
    status, said, wrong = told(checkout, words, **locale)
    assert (status, wrong) == (0, "")
    assert "\\udc" not in said


@pytest.mark.parametrize("words", COMMANDS)
def test_what_only_tells_needs_no_folder(tmp_path: Path, words: str) -> None:
    """As in a checkout that may not be written to."""
    (tmp_path / "file").touch()
    nowhere = str(tmp_path / "file/cache")
    assert told(ROOT, words, AIMAGER_CACHE=nowhere)[::2] == (0, "")
    status, _, wrong = told(ROOT, "why board=rpi4", AIMAGER_CACHE=nowhere)
    assert status == 1
    assert wrong.startswith(f"ERROR: the folder {nowhere} cannot be written: {tmp_path}/file is")


def test_the_doctor_tells_of_a_folder_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    (found,) = diagnosis._of_cache(tmp_path / "file/cache")
    assert (found.subject, found.state) == ("cache", State.missing)
    assert "cannot be written" in found.message
    assert found.fix.startswith("AIMAGER_CACHE names another")
    monkeypatch.setattr(artifacts, "CACHE", tmp_path / "new folder")
    subjects = [finding.subject for finding in diagnosis._of_cache(artifacts.CACHE)]
    assert subjects == ["cache: names", "cache: links", "cache: locks", "cache: programs"]
