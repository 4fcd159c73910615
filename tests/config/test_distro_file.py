"""A user's own distribution is read from a file, and a file that defines none is refused."""

from dataclasses import fields
from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.config.distro_file import load_distro
from aimager.config.distro_rules import check_distro
from aimager.distros import DISTROS
from aimager.distros.archlinux import DISTRO
from aimager.errors import ConfigError
from aimager.model.architecture import Architecture
from aimager.model.distro import Distro
from tests.support.places import ROOT

TYPE = "has a value of the wrong type in"
TEXT = (ROOT / "aimager/distros/archlinux.py").read_text()
LAST = "lends=True"
KEY = "2AC0A42EFB0B5CBC7A0402ED4DC95B6D7BE9892E"


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
        (('id="mine"', 'id="Arch"'), "has the id Arch, which another"),
        (("keyrings=(KEYRING,)", "keyrings=()"), "has no keyrings=, by which its packages could"),
        (("keyrings=(KEYRING,)", "keyrings=({},)"), f"{TYPE} keyrings="),
        (("(Architecture.x86_64,)", "(Architecture.x86_64,) * 2"), "has one of its architectures"),
        (('name="Arch Linux"', 'name=""'), "has the name ''"),
        (('name="Arch Linux"', 'name="a\\nb"'), "has the name 'a\\nb'"),
        (('vendor="arch"', 'vendor="a b"'), "has the vendor 'a b'"),
        (("/$repo", "/core"), "has no $repo in the url of mirrors=, but several repositories"),
        (("/$repo", "/$repos"), "has $repos in the url of mirrors="),
        (('path="', 'path="/'), "has the path '/archlinux/$repo/os/$arch' in mirrors=, which can"),
        (('url="https://geo.mirror.pkgbuild.com/$repo/os/$arch"', 'url=""'), "has no url in mirr"),
        (("/$initial/", "/$letter/"), "has $letter in the address of archive="),
        ((LAST, f'base_repositories=("core", "core"), {LAST}'), "has one of its base_repositories"),
        ((LAST, f'base_repositories=("main",), {LAST}'), "has no core in base_repositories="),
        ((LAST, f'base_repositories=("options",), {LAST}'), "has the repository 'options'"),
        ((LAST, f'base_repositories=("core", "local"), {LAST}'), "has the repository 'local'"),
        ((LAST, f'base_repositories=("a/b",), {LAST}'), "has the repository 'a/b', which pacman"),
        ((LAST, f'base_packages=("-x",), {LAST}'), "has the package '-x', which is not the name"),
        ((LAST, f'mirrorlist="/etc/x", {LAST}'), "has the mirrorlist '/etc/x', which is not"),
        ((KEY, KEY[:-1]), f"has the key '{KEY[:-1]}' in the keyring archlinux, not a fingerprint"),
        ((KEY, KEY.lower()), f"has the key '{KEY.lower()}' in the keyring archlinux"),
        ((KEY, ""), "has the key '' in the keyring archlinux, not a fingerprint"),
        (("master_keys=(", "user_keys=("), "cannot be made: TypeError: Keyring.__init__() miss"),
        (("master_keys=(", "master_keys=(), user_keys=("), "has no master_keys= in the keyring"),
        (('    name="archlinux",', '    name="../x",'), "has the keyring '../x', which no file"),
        (('"archlinux-keyring"', '""'), "has the keyring's package '', which is not the name"),
        (('"archlinux-keyring"', '"a b"'), "has the keyring's package 'a b', which is not"),
        (("DISTRO = Distro(", "DISTRO = 1 // 0, Distro("), "cannot be made: ZeroDivisionError: "),
        (('"""Arch Linux."""', "import os"), "has a statement in line 1 that a dist"),
    ],
)  # fmt: skip
def test_a_wrong_file(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    path = write(tmp_path, change)
    with pytest.raises(ConfigError) as caught:
        load_distro(path)
    assert caught.value.message.startswith(f"the distribution {path} {told}")
    assert "\n" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("field", [field.name for field in fields(Distro)])
def test_every_field_has_a_type(tmp_path: Path, field: str) -> None:
    text = TEXT.replace('id="archlinux"', 'id="mine"')
    path = tmp_path / "mine.py"
    path.write_text(f"{text}\nDISTRO = Distro(**{{**vars(DISTRO), {field!r}: {{7}}}})\n")
    with pytest.raises(ConfigError) as caught:
        load_distro(path)
    assert caught.value.message == f"the distribution {path} {TYPE} {field}="


@pytest.mark.parametrize("distro", DISTROS, ids=lambda distro: distro.id)
def test_ours_keep_to_the_same_rules(distro: Distro) -> None:
    check_distro(distro, f"the distribution {distro.id}")


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
