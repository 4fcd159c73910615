"""Added repositories in an image's pacman.conf, and their keys."""

import re
from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.errors import ImageError
from aimager.model.distro import Keyring, Mirrors, ThirdPartyRepository
from aimager.packages.repository_sections import repositories
from aimager.sandbox.tree import Tree
from aimager.system.added_repositories import add_repositories
from tests.packages.test_repository_sections import CONF

KEY = "A" * 40
KNOWN = ThirdPartyRepository(
    "known", (), Mirrors("known/$arch", "http://k/$arch"), Keyring("known", "known-keyring", (KEY,))
)
OWN = ThirdPartyRepository(
    "mine", (), Mirrors("", "http://m/$repo"), Keyring("mine", "", (KEY,), keys="a2V5cw==")
)


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


LIST = "etc/pacman.d/mirrorlist"


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


@pytest.mark.parametrize(
    ("level", "taken"),
    [("", "auto"), ("x86_64_v3", "auto x86_64_v2 x86_64_v3"), ("x86-64-v2", "auto x86_64_v2")],
)
def test_a_level_of_the_architecture_is_added_to_what_pacman_takes(
    tmp_path: Path, level: str, taken: str
) -> None:
    conf = tmp_path / "etc/pacman.conf"
    conf.parent.mkdir()
    conf.write_text(CONF)
    made = read_build({"distro": "archlinux", **({"arch": level} if level else {})}, tmp_path)
    assert made
    levels = made.platform.architecture.up_to(made.platform.level)
    for _ in range(2):
        add_repositories(Tree(tmp_path), (), levels=levels)
        assert conf.read_text() == CONF.replace("Architecture = auto", f"Architecture = {taken}")


def test_repositories_for_the_build_alone_are_not_in_the_image(tmp_path: Path) -> None:
    words = {
        "add-repos": "a=http://a,7Ji,b=http://b",
        "repos-first": "b",
        "repos-for-build": "a,7ji",
        **{f"trust-key-{name}": KEY for name in "ab"},
    }
    made = read_build({"distro": "archlinux", **words}, tmp_path)
    assert made
    assert made.sources.repository_names == ("b", "core", "extra", "a", "7Ji")
    assert {"7ji-keyring", "a-keyring"}.isdisjoint(made.installs)
    assert "b-keyring" in made.installs
    conf = tmp_path / "etc/pacman.conf"
    conf.parent.mkdir()
    conf.write_text(CONF)
    own = dict(made.own_repositories)
    add_repositories(Tree(tmp_path), made.image_repositories, own, LIST)
    assert repositories(conf.read_text()) == ("b", "core", "extra")


def test_repositories_of_included_files_are_there_already(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    conf = "[options]\nArchitecture = auto\nInclude = /etc/pacman.d/*.conf\n"
    tree.write("etc/pacman.conf", conf)
    tree.write("etc/pacman.d/a.conf", "Include = /etc/pacman.d/b.conf\n[core]\nServer = http://c\n")
    tree.write("etc/pacman.d/b.conf", " [mine] \nInclude = /etc/pacman.d/a.conf\n")
    add_repositories(tree, (OWN,), {"core": "", "extra": "http://e"})
    assert tree.read_text("etc/pacman.conf") == f"{conf}\n[extra]\nServer = http://e\n"
