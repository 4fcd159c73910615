"""What files of a folder define is read, and each that defines nothing is told."""

import sys
from pathlib import Path

import pytest

from aimager.model.board import Board
from aimager.model.definition_folder import Definitions, read_definitions
from aimager.model.distro import Distro, ThirdPartyRepository

BOARD = "from aimager.definitions import Board\nBOARD = Board(id={!r}, name='A board')\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a board, which no other test has imported."""
    package = tmp_path / f"defined{abs(hash(tmp_path))}"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "first.py").write_text(BOARD.format("first"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return package


def read(folder: Path) -> Definitions:
    return read_definitions(folder.name, str(folder), {"BOARD": Board})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it has no BOARD = Board(...)"),
        ("BORD = 1\n", "it has no BOARD = Board(...)"),
        ("BOARD = 'x64'\n", "it has no BOARD = Board(...)"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
        ("raise SystemExit\n", "SystemExit: "),
        ("1 / 0\n", "ZeroDivisionError: division by zero"),
        (BOARD.format("first"), "its id first is that of {}/first.py, too"),
        (BOARD.format("FIRST"), "its id first is that of {}/first.py, too"),
        (BOARD.format(7), "ValueError: a value of the wrong type in id="),
    ],
)
def test_a_file_that_defines_nothing_is_told(folder: Path, text: str, told: str) -> None:
    (folder / "second.py").write_text(text)
    found = read(folder)
    assert [board.id for board in found.values] == ["first"]
    assert found.faults == {f"{folder}/second.py": told.format(folder)}


def test_all_that_is_well_is_taken(folder: Path) -> None:
    (folder / "second.py").write_text(BOARD.format("second"))
    (folder / "a.py").write_text("from .first import BOARD as OTHER\n" + BOARD.format("a"))
    found = read(folder)
    assert [board.id for board in found.values] == ["a", "first", "second"]
    assert not found.faults


def test_of_several_kinds_any_will_do(folder: Path) -> None:
    kinds = {"DISTRO": Distro, "REPOSITORY": ThirdPartyRepository}
    found = read_definitions(folder.name, str(folder), kinds)
    told = "it has no DISTRO = Distro(...) or REPOSITORY = ThirdPartyRepository(...)"
    assert found.faults == {f"{folder}/first.py": told}
