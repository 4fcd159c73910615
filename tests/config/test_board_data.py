"""A board's file is read as data, or not at all; and no file is a bomb."""

from pathlib import Path

import pytest

from aimager.config.board_file import OwnBoard, UnreadBoard, load_board, read_board, read_boards
from aimager.errors import ConfigError
from boards import BOARDS
from tests.support.places import ROOT


@pytest.mark.parametrize("path", sorted((ROOT / "boards").glob("[!_]*.py")), ids=lambda p: p.stem)
def test_each_of_our_files_is_read_without_being_run(path: Path) -> None:
    found = read_board(path)
    assert isinstance(found, OwnBoard)
    assert found.board == BOARDS[found.board.id]


HEAD = "from aimager.definitions import Board, FileSystem, GiB, boot_fat\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("BOARD = open('/etc/passwd')", "line 2 has open"),
        ("BOARD = __import__('os')", "line 2 has __import__"),
        ("X = Board.__init__", "line 2 has Board.__init__"),
        ("X = (Board.__class__)", "line 2 has Board.__class__"),
        ("X = FileSystem.mro()", "line 2 has FileSystem.mro"),
        ("X = FileSystem.ext4.package", "line 2 has FileSystem.ext4.package"),
        ("X = 'a{0.__class__}'.format(1)", "line 2 has 'a{0.__class__}'.format"),
        ("X = f'{GiB}'", "line 2 has f'{GiB}'"),
        ("X = lambda: 1", "line 2 has lambda: 1"),
        ("X = [x for x in (1,)]", "line 2 has [x for x in (1,)]"),
        ("X = 'a' * 10", "line 2 has 'a' * 10"),
        ("X = 10 ** 10 ** 10", "line 2 has 10 ** 10"),
        ("X = 1 << 10 ** 9", "line 2 has 10 ** 9"),
        ("X = 1 << 1000", "line 2 has 1 << 1000"),
        ("X = 1 // 0", "line 2 has 1 // 0"),
        ("X = GiB * GiB * GiB * GiB * GiB", "it has a number that is too large"),
        ("X = boot_fat(*(1,), **{})", "line 2 has boot_fat(*(1,), **{})"),
        ("X = boot_fat((1, 2))", "line 2 has boot_fat((1, 2))"),
        ("X = Board(id=1)", "line 2 has Board(id=1): "),
        ("X = FileSystem('\x1b[2J')", "line 2 has FileSystem('\\x1b[2J'): "),
        ("X = (1,)\n" + "X = (*X, *X)\n" * 40, "its values are too large"),
        ("X = (1,)\n" + "X = (X, X)\n" * 40, "its values are too large"),
        ("X = 'a'\n" + "X = X + X\n" * 40, "its values are too large"),
        ("from aimager.process import run", "it imports run, which is not in aimager.definitions"),
        ("from aimager import definitions", "it imports definitions, which is not in"),
    ],
)
def test_what_is_not_data_is_not_run_to_be_read(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(HEAD + text + "\nBOARD = 1\n")
    found = read_board(path)
    assert isinstance(found, UnreadBoard)
    assert found.reason.startswith(reason)
    assert found.reason.isprintable()
    assert len(found.reason) < 200


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"X = " + b"(" * 100_000, "is not valid Python: "),
        (b"X = " + b"-" * 100_000 + b"1", "is not valid Python: "),
        (b"#" * (1 << 21), "has more than 1048576 bytes"),
        (b"\xff\xfe", "is not valid Python: "),
    ],
)
def test_a_file_that_is_a_bomb(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "mine.py"
    path.write_bytes(content)
    for read in (read_board, load_board):
        with pytest.raises(ConfigError) as caught:
            read(path)
        assert caught.value.message.startswith(f"the board {path} {said}")


@pytest.mark.parametrize("form", ["X = {}1", "{}1", "BOARD = {}y", "for x in {}1: pass"])
@pytest.mark.parametrize("depth", [300, 800, 950, 2000, 5000, 50_000])
def test_no_depth_is_a_traceback(tmp_path: Path, form: str, depth: int) -> None:
    path = tmp_path / "mine.py"
    path.write_text(form.format("-" * depth))
    with pytest.raises(ConfigError):
        load_board(path)
    try:
        assert isinstance(read_board(path), UnreadBoard)
    except ConfigError as error:
        assert error.message.startswith(("the board ", "the file "))


@pytest.mark.parametrize("name", ["\x1b]52;c;aGk=\x07.py", "a\nb.py", "\udcff.py"])
def test_a_name_that_a_terminal_would_obey_is_escaped(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("BOARD = open('x')")
    with pytest.raises(ConfigError) as caught:
        read_boards(tmp_path)
    assert caught.value.message == (f"the folder {tmp_path} has a file with the name {name!a}")


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/tty", "folder.py"])
def test_what_is_no_file_is_no_board(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(ConfigError, match=f"{name} is not a file\n"):
        load_board(tmp_path / name)
