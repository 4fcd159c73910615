"""A manifest tells the words that shape an image: no secret, no file, nothing of a machine."""

from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.config.variable import Told
from aimager.config.variables import VARIABLES, make_recipe

KINDS = {
    Told.text: "create oci-name compress seed table root-size root-fs root-subvolumes root-compress"
    " hostname locales timezone keymap append-all append-default append-* services useradd"
    " sudo-group credentials ssh-server wifi-country network repo-core repos-base tools",
    Told.name: "mkfs-arg disk-from files overlay scripts chpasswd ssh-keys wifi packages"
    " reuse-root-tar trust-key trust-key-* key-file-* keyring-helper",
}
"""Of others a manifest tells nothing: they are of a machine or a run, or a lock file has them."""


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_manifest_tells_of_each_variable(kind: Told) -> None:
    found = [variable.name for variable in VARIABLES if variable.told("x") is kind]
    assert found == KINDS[kind].split()


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("useradd=-m -G wheel alice", True),
        ("useradd=-m -p $6$salt$hash alice", False),
        ("useradd=-mp$6$salt$hash alice", False),
        ("useradd=--password=$6$salt$hash alice,bob", False),
        ("table==gpt_1g_esp", True),
        ("table=@/etc/passwd", False),
        ("append-linux-lts=quiet", True),
        ("trust-key-mine=ABCD", False),
        ("create=@list", False),
        ("root-subvolumes=@", True),
        ("tools=borrowed", True),
        ("tools=host", False),
    ],
)
def test_some_texts_are_told(word: str, told: bool) -> None:
    name, _, text = word.partition("=")
    recipe = make_recipe({name: text})
    assert recipe.words == (((name, text),) if told else ())
    assert recipe.given_again == (() if told else (name,))


def test_what_is_empty_is_not_to_be_given_again() -> None:
    assert make_recipe({"chpasswd": "", "files": ""}) == make_recipe({})


def test_equal_builds_have_equal_recipes_on_all_machines(tmp_path: Path) -> None:
    """The lock file says some of the words; paths, mirrors and folders are of a machine."""
    (tmp_path / "motd").write_text("hello\n")
    (tmp_path / "other").write_text("hello\n")
    words = {"hostname": "pc", "chpasswd": "root:x"}
    one = read_build(
        {**words, "board": "x64-uefi", "distro": "archlinux", "files": "motd:/etc/motd"},
        tmp_path,
    )
    two = read_build(
        {
            **words,
            "board": "x64-uefi",
            "files": f"{tmp_path}/other:/etc/motd",
            "repo-url-parent": "https://mirror.example",
            "out": "elsewhere",
            "chpasswd": "root:y",
        },
        tmp_path,
    )
    assert one
    assert two
    assert one.whole_recipe == two.whole_recipe
    assert one.recipe.words == (("hostname", "pc"),)
    assert one.recipe.given_again == ("chpasswd", "files")
    (tmp_path / "other").write_text("bye\n")
    three = read_build({**words, "board": "x64-uefi", "files": "other:/etc/motd"}, tmp_path)
    assert three
    assert three.recipe == one.recipe
    assert three.whole_recipe.settings != one.whole_recipe.settings
