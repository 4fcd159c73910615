"""The fingerprint of a build's settings: of all that shapes the image, of nothing secret."""

import dataclasses
from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.model.build import Build


def build(**words: str) -> Build:
    """The build of these words."""
    named = {name.replace("_", "-"): value for name, value in words.items()}
    made = read_build({"board": "x64-uefi", **named}, Path("/"))
    assert made
    return made


@pytest.mark.parametrize(
    "words",
    [
        {"create": "root.tar"},
        {"root_size": "8G"},
        {"hostname": "pc"},
        {"locales": "de_DE.UTF-8"},
        {"useradd": "alice"},
        {"sudo_group": "wheel"},
        {"append_all": "quiet"},
        {"tools": "host"},
    ],
)
def test_a_setting_of_the_image_changes_it(words: dict[str, str]) -> None:
    assert build(**words).settings_fingerprint != build().settings_fingerprint


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"out": "/elsewhere"},
        {"install_pkgs": "vim"},
        {"chpasswd": "alice:secret"},
        {"repo_url_parent": "http://m"},
        {"trust_key": "AB" * 20},
        {"offline": "yes"},
    ],
)
def test_what_shapes_no_image_packages_and_secrets_do_not(words: dict[str, str]) -> None:
    assert build(**words).settings_fingerprint == build().settings_fingerprint


def test_the_order_of_products_does_not_matter() -> None:
    one, other = build(create="root.tar,disk.img"), build(create="disk.img,root.tar")
    assert one.settings_fingerprint == other.settings_fingerprint


def test_a_board_changes_it() -> None:
    made = build()
    board = dataclasses.replace(made.board, command_line=("quiet",))
    assert dataclasses.replace(made, board=board).settings_fingerprint != made.settings_fingerprint


def test_a_hash_among_a_users_arguments_is_a_secret_too() -> None:
    prints = {
        build(useradd=f"-m {option} alice").settings_fingerprint
        for option in ("-p $6$one", "-p $6$two", "")
    }
    assert len(prints) == 1
