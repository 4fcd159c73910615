"""The page on boards tells of every function for boot loaders, and its example is what it says."""

import re
from dataclasses import fields, replace
from pathlib import Path
from types import FunctionType

import pytest

from aimager.config.platform import KnownBoards, find_board
from aimager.errors import ConfigError
from aimager.model import u_boot
from aimager.model.board import RawPiece
from aimager.model.layout import lay_out
from aimager.model.partition import MiB
from aimager.model.raw_places import check_pieces
from tests.support.places import ROOT

PAGE = (ROOT / "docs/add-a-board.md").read_text()


def test_all_of_it_is_in_the_docs() -> None:
    rows = dict(re.findall(r"^\| `([a-z_0-9]+(?:\(\))?)` \|(.*)$", PAGE, re.MULTILINE))
    functions = [f for f in vars(u_boot).values() if isinstance(f, FunctionType)]
    assert sorted(rows) == sorted(
        [*(f"{f.__name__}()" for f in functions), *(field.name for field in fields(RawPiece))]
    )
    for function in functions:
        for piece in function():
            assert f"`{piece.file.removeprefix('boot/')}`" in rows[f"{function.__name__}()"]


def test_what_the_docs_say_of_the_alignment(tmp_path: Path) -> None:
    """Of the board that is given there as an example."""
    source = re.search(r"gate\.py <<'END'\n(.*?)^END$", PAGE, re.MULTILINE | re.DOTALL)
    assert source
    (tmp_path / "gate.py").write_text(source[1])
    board, _ = find_board(str(tmp_path / "gate.py"), KnownBoards(), tmp_path)
    assert board.partition_table
    check_pieces(board.partition_table, board.raw_pieces)
    assert lay_out(board.partition_table, [512 * MiB, MiB])[0].start == 16 * MiB
    with pytest.raises(ConfigError, match=r"/boot/second\.img.* the boot partition"):
        check_pieces(replace(board.partition_table, alignment=MiB), board.raw_pieces)
