"""A user's own distribution is read from a file, and a file that defines none is refused."""

from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.config.distro_file import load_distro
from aimager.distros.archlinux import DISTRO
from aimager.errors import ConfigError
from aimager.model.architecture import Architecture
from tests.support.places import ROOT

TYPE = "has a value of the wrong type in"
TEXT = (ROOT / "aimager/distros/archlinux.py").read_text()


def write(folder: Path, *changes: tuple[str, str]) -> Path:
    """A distribution's file, made of one of ours."""
    text = TEXT.replace('id="archlinux"', 'id="mine"')
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "mine.py"
    path.write_text(text)
    return path


def test_a_file_of_our_form_is_a_distribution(tmp_path: Path) -> None:
    distro = load_distro(write(tmp_path))
    assert distro.id == "mine"
    assert distro.mirrors == DISTRO.mirrors
    assert list(tmp_path.iterdir()) == [tmp_path / "mine.py"], "nothing is left beside it"


@pytest.mark.parametrize("name", ["./mine.py", "mine.py", "{folder}/mine.py"])
@pytest.mark.parametrize("board", ["none", "x64-uefi"])
def test_a_build_of_it(tmp_path: Path, name: str, board: str) -> None:
    write(tmp_path)
    words = {"distro": name.format(folder=tmp_path), "board": board}
    build = read_build(words, tmp_path)
    assert build
    assert build.id == f"mine-x86_64-{board}"
    other = {**words, "board": "rpi4"}
    with pytest.raises(ConfigError, match="Arch Linux does not exist for aarch64"):
        read_build(other, tmp_path)


@pytest.mark.parametrize("name", ["Mine1", "mine1", "MINE2"])
def test_its_mirrors_are_named_by_its_name(tmp_path: Path, name: str) -> None:
    write(tmp_path, ('id="mine"', 'id="Mine1"'), ('aliases=("arch",)', 'aliases=("Mine2",)'))
    words = {"distro": "./mine.py", f"repo-url-{name}": "http://m/$repo"}
    build = read_build(words, tmp_path)
    assert build
    assert build.mirrors.distros == (("Mine1", ("http://m/$repo",)),)


def test_a_list_is_taken_where_a_tuple_belongs(tmp_path: Path) -> None:
    changes = ("architectures=(Architecture.x86_64,)", "architectures=[Architecture.x86_64]")
    assert load_distro(write(tmp_path, changes)).architectures == (Architecture.x86_64,)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("    keyrings=(KEYRING,),\n", ""), "cannot be made: TypeError: Distro.__init__() miss"),
        (("Mirrors(\n", "Mirror(\n"), "cannot be made: NameError: "),
        (("DISTRO = Distro(", "DISTRO = Distro(("), "is not valid Python: "),
        (("architectures=(Architecture.x86_64,)", "architectures=()"), "has no architectures"),
        (("(Architecture.x86_64,)", "Architecture.x86_64"), f"{TYPE} architectures="),
        (("keyrings=(KEYRING,)", "keyrings=KEYRING"), f"{TYPE} keyrings="),
        (('id="mine"', 'id="mi/ne"'), "has the id 'mi/ne'"),
        (('id="mine"', "id=exit(3)"), "cannot be made: SystemExit: 3"),
        (('id="mine"', "id=7"), f"{TYPE} id="),
        (('id="mine"', 'id="archlinux"'), "has the id archlinux, which another"),
        (('"""Arch Linux."""', "import os"), "has a statement in line 1 that a dist"),
    ],
)  # fmt: skip
def test_a_wrong_file(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    path = write(tmp_path, change)
    with pytest.raises(ConfigError) as caught:
        load_distro(path)
    assert caught.value.message.startswith(f"the distribution {path} {told}")


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("X = 1\n")
    with pytest.raises(ConfigError, match=r"mine\.py defines no distribution"):
        load_distro(tmp_path / "mine.py")
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_distro(tmp_path / "none.py")


SECRET = "https://me:tok@"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("https://", SECRET, "has a user or password in the address of mirrors=, which would be"),
        ("https://", "https://tok@", "has a user or password in the address of mirrors=, which"),
        ("/$repo", "/$repo?key=tok", "has a question mark or a #"),
        ("https://", "ftp://", "is not a valid address"),
        ("https://", "https:// ", "is not a valid address"),
        ("archive", f'archive="{SECRET}host/x",  # ', "address of archive=, which would be in"),
        ("archive", 'archive="https://host/x#tok",  # ', "archive= https://host/x#tok has a quest"),
    ],
)
def test_its_addresses_are_for_everybody(tmp_path: Path, old: str, new: str, told: str) -> None:
    """They reach the image's list of mirrors, and records that machines share."""
    lines = TEXT.replace('id="archlinux"', 'id="mine"').splitlines()
    key = "archive=" if "archive" in old else 'url="'
    at = next(number for number, line in enumerate(lines) if key in line)
    lines[at] = lines[at].replace(old, new, 1)
    path = tmp_path / "mine.py"
    path.write_text("\n".join(lines))
    with pytest.raises(ConfigError) as caught:
        load_distro(path)
    assert told in caught.value.message
    if "user or password" in told:
        assert caught.value.hint == (
            "leave it out there; repo-url-mine= takes it, for this machine alone"
        )
        assert "tok" not in str(caught.value)
