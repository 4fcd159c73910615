"""``doit test``: what it hands to pytest, and how it ends."""

from pathlib import Path

import pytest

from aimager.commands import run_tests
from aimager.errors import CommandError, ConfigError
from aimager.graph.console.events import CHANNEL


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose one test takes for granted that no run hears it."""
    monkeypatch.setattr(run_tests, "own", lambda name: tmp_path / name)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_it.py").write_text(
        f"import os\n\ndef test_it():\n    assert {CHANNEL!r} not in os.environ\n"
    )
    return tmp_path


def test_no_run_hears_what_tests_say(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHANNEL, "/dev/null")
    run_tests.run_tests("-q")


def test_one_that_fails_fails_it(checkout: Path) -> None:
    (checkout / "tests/test_it.py").write_text("def test_it():\n    assert False\n")
    with pytest.raises(CommandError, match="status 1"):
        run_tests.run_tests("-q")


def test_what_is_installed_has_none(checkout: Path) -> None:
    (checkout / "tests/test_it.py").unlink()
    (checkout / "tests").rmdir()
    with pytest.raises(ConfigError, match="an installed aimager has no tests"):
        run_tests.run_tests()
