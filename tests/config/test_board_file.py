"""A user's own board is read from a file, and a file that defines none is refused."""

import hashlib
import re
from pathlib import Path

import pytest

from aimager.config import board_file
from aimager.config.board_file import OwnBoard, read_board, read_boards
from aimager.config.build import read_build
from aimager.config.platform import known_boards
from aimager.errors import ConfigError
from aimager.model.board import Board
from aimager.model.build import Build
from aimager.model.settings import AddedFile, Script
from boards import BOARDS
from tests.support.places import ROOT

TEXT = (ROOT / "boards/x64_uefi.py").read_text()


def write(folder: Path, name: str = "mine", *changes: tuple[str, str]) -> Path:
    """A board's file, made of one of ours."""
    folder.mkdir(exist_ok=True)
    text = TEXT.replace('id="x64-uefi"', f'id="{name}"')
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / f"{name}.py"
    path.write_text(text)
    return path


def load_board(path: Path) -> Board:
    """The board of a file that is run, which is what reading it as data tells, too."""
    run = board_file.load_board(path)
    assert read_board(path) == run
    assert run.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    return run.board


def test_a_file_of_our_form_is_a_board(tmp_path: Path) -> None:
    board = load_board(write(tmp_path))
    assert board == Board(**{**vars(BOARDS["x64-uefi"]), "id": "mine"})
    assert list(tmp_path.iterdir()) == [tmp_path / "mine.py"], "nothing is left beside it"


HINT = "it imports from aimager.definitions and has BOARD = Board(...), as the files in boards/ do"


STRANGE = "has a statement in line {} that a board cannot have"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("BOARD = (", "is not valid Python: "),
        ("\0", "is not valid Python: "),
        ("import os\n", f"{STRANGE.format(1)}: import os"),
        (
            '"""A."""\nfor x in y:\n    pass\n',
            f"{STRANGE.format(2)}: for x in y:",
        ),
        ("print()", f"{STRANGE.format(1)}: print()"),
        (
            "from .board import x",
            f"{STRANGE.format(1)}: from .board import x",
        ),
        ("from aimager.nothing import x", "cannot be made: ModuleNotFoundError: "),
        ("from aimager.definitions import Board\nBOARD = Board()", "cannot be made: TypeError: "),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_board(path)
    assert caught.value.message.startswith(f"the board {path} {said}")
    assert caught.value.hint == HINT


OLD_FORM = """from aimager.architecture import Architecture
from aimager.board import Board, Bootloader, Initramfs
from aimager.partition import GiB, Label, PartitionTable, boot_fat, root_ext4
from aimager.setup import AddedFile
from aimager.u_boot import rockchip

BOARD = Board(
    id="kiosk",
    name="Kiosk",
    architecture=Architecture.x86_64,
    initramfs=Initramfs.booster,
    bootloaders=(Bootloader.systemd_boot,),
    raw_pieces=rockchip(),
    partition_table=PartitionTable(Label.gpt, (boot_fat(1 * GiB), root_ext4())),
    files=(AddedFile("/etc/motd", "welcome"),),
)
"""


def test_old_names_go_on_working_with_a_word_of_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.py", tmp_path / "new.py"
    old.write_text(OLD_FORM)
    new.write_text(re.sub(r"(?m)^from aimager\.\w+ ", "from aimager.definitions ", OLD_FORM))
    assert load_board(old) == load_board(old) == load_board(new)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        f"WARNING: the board {old} imports from aimager.{name}, a name that will be dropped:"
        " import the same from aimager.definitions"
        for name in ("architecture", "board", "partition", "setup", "u_boot")
    ]


@pytest.mark.parametrize("text", ["", "BOARD = 1", "board = 1"])
def test_a_file_without_a_board(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_board(path)
    assert caught.value.message == f"the file {path} defines no board"
    with pytest.raises(ConfigError, match=r"other\.py cannot be read: No such file"):
        load_board(tmp_path / "other.py")


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        ("kernels", '("linux", "linux-lts")', '("linux")'),
        ("distros", '("archlinux",)', '"archlinux"'),
        ("architecture", "Architecture.x86_64", '"x64"'),
        ("bootloaders", "Bootloader.systemd_boot", '"grub"'),
        ("files", "tested=", 'files=(("/etc/motd", "hunter2"),), tested='),
    ],
)
def test_a_field_of_another_kind(tmp_path: Path, field: str, old: str, new: str) -> None:
    path = write(tmp_path, "mine", (old, new))
    with pytest.raises(ConfigError) as caught:
        load_board(path)
    assert caught.value.message.startswith(
        f"the board {path} has a value of the wrong type in {field}="
    )
    assert "('tree',)" in caught.value.hint
    assert "hunter2" not in str(caught.value)


def test_what_is_meant_is_taken(tmp_path: Path) -> None:
    changes = [('("linux", "linux-lts")', '["linux"]'), ("Architecture.x86_64", '"x86_64"')]
    board = load_board(write(tmp_path, "mine", *changes))
    assert board.kernels == ("linux",)
    assert board.architecture is BOARDS["x64-uefi"].architecture


def test_a_disk_has_a_root(tmp_path: Path) -> None:
    path = write(tmp_path, "mine", (", root_ext4())", ",)"))
    with pytest.raises(ConfigError, match=r"of the board .*mine\.py has no partition for the root"):
        load_board(path)


@pytest.mark.parametrize("name", ["A", "a_b", "a--b", "../a", ""])
def test_an_id_becomes_a_path(tmp_path: Path, name: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(TEXT.replace('id="x64-uefi"', f'id="{name}"'))
    with pytest.raises(ConfigError) as caught:
        load_board(path)
    assert caught.value.message == f"the board {path} has the id {name!r}"


def test_a_folder_of_boards(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no board in the folder"):
        read_boards(tmp_path)
    write(tmp_path, "mine")
    write(tmp_path, "another")
    (tmp_path / "__init__.py").write_text("1 / 0")
    ids = [found.board.id for found in read_boards(tmp_path) if isinstance(found, OwnBoard)]
    assert ids == ["another", "mine"]
    assert set(BOARDS) < set(known_boards(tmp_path).by_id)
    write(tmp_path, "mine").rename(tmp_path / "zz.py")
    write(tmp_path, "mine")
    with pytest.raises(ConfigError) as caught:
        known_boards(tmp_path)
    assert caught.value.message == (
        f"the board {tmp_path}/zz.py has the id mine, which another board has"
    )


def build(folder: Path, **words: str) -> Build:
    made = read_build(words, folder)
    assert made
    return made


def test_a_build_for_a_users_own_board(tmp_path: Path) -> None:
    write(tmp_path / "own")
    by_folder = build(tmp_path, boards="own", board="mine")
    assert by_folder == build(tmp_path, board="own/mine.py")
    assert by_folder.board == build(tmp_path / "own", board="mine.py").board
    assert by_folder.id == "archlinux-x86_64-mine"
    write(tmp_path / "own", "mine", ('"console=tty0"', '"quiet"'))
    other = build(tmp_path, board="own/mine.py")
    assert other.setup != by_folder.setup
    assert other.settings_fingerprint != by_folder.settings_fingerprint


def test_an_id_of_ours_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "x64-uefi")
    for words in ({"board": "./x64-uefi.py"}, {"boards": ".", "board": "none", "distro": "arch"}):
        with pytest.raises(ConfigError, match="has the id x64-uefi, which another board has"):
            build(tmp_path, **words)
    assert read_build({"boards": "."}, tmp_path) is None, "no build, so nothing is read"


def test_a_board_may_bring_files_services_scripts_and_repositories(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "mine",
        ('    id="mine",', '''    id="mine",
    services=("sshd.service",),
    files=(AddedFile("/etc/motd", "Hello"),),
    scripts=(Script("a", "#!/bin/sh"),),
    repositories=("7Ji",),'''),
        ("\n\nBOARD", "\nfrom aimager.definitions import AddedFile, Script\n\nBOARD"),
    )  # fmt: skip
    made = build(tmp_path, board=str(path), services="fstrim.timer")
    assert made.setup.services == ("sshd.service", "fstrim.timer")
    assert made.setup.files == (AddedFile("/etc/motd", "Hello"),)
    assert made.setup.scripts == (Script("a", "#!/bin/sh"),)
    assert [repository.id for repository in made.repositories] == ["7Ji"]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://me:tok@host/$arch", "has a user or password in the address of repositories= for"),
        ("https://tok@host/$arch", "has a user or password in the address of repositories= for x"),
        ("https://host/?key=tok", "repositories= for x https://host/?key=tok has a question mark"),
        ("host/$arch", "repositories= for x host/$arch is not a valid address"),
    ],
)
def test_addresses_of_its_repositories_are_for_everybody(
    tmp_path: Path, address: str, told: str
) -> None:
    change = ('    id="mine",', f'    id="mine",\n    repositories=("x={address}",),')
    for load in (load_board, read_board):
        with pytest.raises(ConfigError) as caught:
            load(write(tmp_path, "mine", change))
        assert told in caught.value.message
        if "user or password" in told:
            assert "repo-url-x= takes it" in caught.value.hint
            assert "tok" not in str(caught.value)
