"""Added repositories in an image's pacman.conf, and their keys."""

from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.model.distro import Keyring, Mirrors, ThirdPartyRepository
from aimager.sandbox.tree import Tree
from aimager.system.added_repositories import add_repositories, with_repositories

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
