"""What is a list may stand in a file."""

from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.config.builds import read_builds
from aimager.config.list_files import with_lists
from aimager.config.variables import VARIABLES
from aimager.errors import ConfigError
from tests.support.variables_page import PAGE

LISTS = [v.name.replace("*", "x") for v in VARIABLES if v.several]


@pytest.mark.parametrize("name", LISTS)
def test_each_list(tmp_path: Path, name: str) -> None:
    (tmp_path / "list").write_text("one\n\n# no\n  two, \n -m three,four\n")
    assert with_lists({name: "@list"}, tmp_path) == {name: "one,two,-m three,four"}
    assert with_lists({name: f"@{tmp_path}/list"}, tmp_path)[name].startswith("one,")
    with pytest.raises(ConfigError, match=f"{name}= cannot read .*/none: No such file"):
        with_lists({name: "@none"}, tmp_path)


def test_a_file_is_read_once_and_as_other_systems_write_it(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"\xef\xbb\xbf@other\r\nvim\r\n")
    (tmp_path / "other").write_text("nano\n")
    once = with_lists({"install-pkgs": "@list"}, tmp_path)
    assert with_lists(once, tmp_path) == once
    build = read_build({"distro": "arch", "install-pkgs": "@list"}, tmp_path)
    assert build
    assert build.packages == ("@other", "vim")


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"caf\xe9\n")
    with pytest.raises(ConfigError) as caught:
        with_lists({"install-pkgs": "@list"}, tmp_path)
    assert caught.value.message == f"install-pkgs= takes text, which {tmp_path}/list is not"
    assert caught.value.hint == "it has to be in UTF-8"


def test_which_are_lists() -> None:
    """All of whose parsers take commas, by the words that explain them."""
    told = {v.name.replace("*", "x") for v in VARIABLES if "separated by commas" in v.meaning}
    others = {"root-subvolumes"}  # whose names begin with @
    assert told - set(LISTS) == others


@pytest.mark.parametrize("name", ["root-subvolumes", "chpasswd", "table", "seed"])
def test_what_is_no_list_keeps_its_text(tmp_path: Path, name: str) -> None:
    assert with_lists({name: "@x"}, tmp_path) == {name: "@x"}


def test_of_a_build(tmp_path: Path) -> None:
    (tmp_path / "pkgs").write_text("# editors\nvim\nnano\n")
    (tmp_path / "users").write_text("-m -G wheel,video alice\nbob\n")
    (tmp_path / "boards").write_text("x64-uefi\nx64-legacy\n")
    words = {"install-pkgs": "@pkgs", "useradd": "@users", "append-vim": "x"}
    build = read_build({"board": "x64-uefi", **words}, tmp_path)
    assert build
    assert build.packages == ("vim", "nano")
    assert [user.name for user in build.setup.users] == ["alice", "bob"]
    builds = read_builds({"board": "@boards"}, tmp_path)
    assert [build.board.id for build in builds] == ["x64-uefi", "x64-legacy"]


def test_arguments_of_file_systems_stand_in_lines_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "mkfs").write_text("# of both\nroot=-m 5 -O quota,project\nboot=-n 'A B'\n")
    build = read_build({"board": "x64-uefi", "mkfs-arg": "@mkfs"}, tmp_path)
    assert build
    table = build.board.partition_table
    assert table
    assert {str(p.role): p.arguments for p in table.filled} == {
        "boot": ("-n", "A B"),
        "root": ("-m", "5", "-O", "quota,project"),
    }


def test_that_subvolumes_are_no_list_in_a_file_is_told() -> None:
    """By doit help build, and by the page."""
    (told,) = (v.meaning for v in VARIABLES if v.name == "root-subvolumes")
    assert "never that of a file with the list" in told
    assert "`root-subvolumes=` alone is never read from a file" in PAGE.read_text()
