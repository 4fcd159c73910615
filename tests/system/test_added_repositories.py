"""Added repositories in an image's pacman.conf, and their keys."""

import re
from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.errors import ImageError
from aimager.model.distro import Keyring, Mirrors, ThirdPartyRepository
from aimager.sandbox.tree import Tree
from aimager.system.added_repositories import add_repositories, with_own, with_repositories

KEY = "A" * 40
KNOWN = ThirdPartyRepository(
    "known", (), Mirrors("known/$arch", "http://k/$arch"), Keyring("known", "known-keyring", (KEY,))
)
OWN = ThirdPartyRepository(
    "mine", (), Mirrors("", "http://m/$repo"), Keyring("mine", "", (KEY,), keys="a2V5cw==")
)


def test_they_come_behind_those_of_the_distribution() -> None:
    conf = "[options]\n[core]\nInclude = x\n\n#[known]\n\n"
    assert with_repositories(conf, (KNOWN, OWN)) == (
        "[options]\n[core]\nInclude = x\n\n#[known]\n"
        "\n[known]\nServer = http://k/$arch\n"
        "\n[mine]\nServer = http://m/$repo\n"
    )


def test_one_that_is_there_is_not_added_twice() -> None:
    once = with_repositories("[core]\n", (KNOWN,))
    assert with_repositories(once, (KNOWN,)) == once


def test_keys_of_a_file_are_laid_where_pacman_key_takes_them(tmp_path: Path) -> None:
    conf = tmp_path / "etc/pacman.conf"
    conf.parent.mkdir()
    conf.write_text("[core]\n")
    add_repositories(Tree(tmp_path), (KNOWN, OWN))
    assert "[known]" in conf.read_text()
    keyrings = tmp_path / "usr/share/pacman/keyrings"
    assert {path.name: path.read_text() for path in keyrings.iterdir()} == {
        "mine.gpg": "keys",
        "mine-trusted": f"{KEY}:4:\n",
    }


def test_a_root_without_pacman(tmp_path: Path) -> None:
    add_repositories(Tree(tmp_path), ())
    with pytest.raises(ImageError, match=r"the image has no /etc/pacman\.conf"):
        add_repositories(Tree(tmp_path), (KNOWN,))


CONF = """\
[options]
#IgnorePkg   =

#[core-testing]
#Include = /etc/pacman.d/mirrorlist

[core]
Include = /etc/pacman.d/mirrorlist

[extra]
Include = /etc/pacman.d/mirrorlist

#[multilib-testing]
#Include = /etc/pacman.d/mirrorlist

#[multilib]
#Include = /etc/pacman.d/mirrorlist

# An example of a custom package repository.
#[custom]
#SigLevel = Optional TrustAll
#Server = file:///home/custompkgs
"""
LIST = "etc/pacman.d/mirrorlist"


@pytest.mark.parametrize("name", ["multilib", "core-testing", "multilib-testing"])
def test_one_that_is_commented_out_is_enabled_as_it_stands(name: str) -> None:
    said = f"#[{name}]\n#Include = /{LIST}\n"
    own = dict.fromkeys(
        ("core-testing", "core", "extra") if name == "core-testing" else ("core", "extra", name),
        "",
    )
    assert with_own(CONF, own, LIST) == CONF.replace(said, said.replace("#", ""))


def test_what_is_there_stays_as_it_is() -> None:
    assert with_own(CONF, {"core": "", "extra": "http://x/$repo"}, LIST) == CONF
    assert with_own(CONF, {"core": ""}, LIST) == CONF


@pytest.mark.parametrize(
    ("url", "server"), [("", f"Include = /{LIST}"), ("http://o/$repo", "Server = http://o/$repo")]
)
def test_one_that_is_not_there_is_added_in_its_place(url: str, server: str) -> None:
    made = with_own(CONF, {"over": url, "core": "", "extra": ""}, LIST)
    lines = [line for line in made.splitlines() if line and not line.startswith("#")]
    include = f"Include = /{LIST}"
    sections = ["[over]", server, "[core]", include, "[extra]", include]
    assert lines == ["[options]", *sections]
    assert all(line in made.splitlines() for line in CONF.splitlines())
    assert with_own(made, {"over": url, "core": "", "extra": ""}, LIST) == made


def test_the_image_gets_those_that_its_packages_came_from(tmp_path: Path) -> None:
    conf = tmp_path / "etc/pacman.conf"
    conf.parent.mkdir()
    conf.write_text(CONF)
    words = {"repos-base": "core,extra,multilib", "repo-url-core": "http://me:word@c/$repo"}
    made = read_build({"distro": "archlinux", **words}, tmp_path)
    assert made
    own = dict(made.own_repositories)
    assert own == {"core": "http://c/$repo", "extra": "", "multilib": ""}
    add_repositories(Tree(tmp_path), (KNOWN,), own, LIST)
    enabled = re.findall(r"^\[(.*)\]$", conf.read_text(), re.MULTILINE)
    assert enabled == ["options", "core", "extra", "multilib", "known"]
