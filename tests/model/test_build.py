"""What follows from a build: its results, and the fingerprint of what shapes the image."""

import dataclasses
from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.model.build import Build
from aimager.model.partition import Role
from aimager.model.product import Product


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
        {"create": "oci.tar", "oci_name": "me/arch"},
        {"root_size": "8G"},
        {"hostname": "pc"},
        {"locales": "de_DE.UTF-8"},
        {"useradd": "alice"},
        {"sudo_group": "wheel"},
        {"append_all": "quiet"},
        {"tools": "host"},
        {"repos_base": "core,extra,multilib"},
        {"repo_url_core": "http://m/$repo"},
        {"arch": "x86_64_v3"},
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
        for option in (*(f"-p $6$salt${letter * 86}" for letter in "ab"), "-p !", "")
    }
    assert len(prints) == 1


def test_results() -> None:
    """Products first, what tells of them last."""
    told = ("packages.spdx.json", "manifest.json", "SHA256SUMS")
    assert build(create="root.tar").results == ("root.tar", *told)
    assert build(create="disk.img,root.tar", compress="xz").results == (
        *("disk.img", "root.tar", "disk.img.xz", "root.tar.xz", "disk.img.bmap", *told),
    )


def test_products() -> None:
    assert {product.value: (product.is_image, product.role) for product in Product} == {
        "root.tar": (False, None),
        **dict.fromkeys(("oci.tar", "root.wsl", "nspawn.tar"), (False, None)),
        **dict.fromkeys(("disk.img", "disk.qcow2"), (True, None)),
        "keyring-helper.tar": (False, None),
        **{f"part-{role}.img": (True, role) for role in Role if role is not Role.raw},
    }


def test_packages_that_are_asked_for() -> None:
    made = build(add_repos="archlinuxcn", sudo_group="wheel", install_pkgs="vim,linux")
    assert made.installs == (*made.board.installs, "sudo", "archlinuxcn-keyring", "vim")
    assert made.makers == ("dosfstools", "e2fsprogs")
    assert made.welcome == ("dosfstools", "e2fsprogs", "archlinuxcn-mirrorlist-git")
    assert made.sources.id == "archlinux-x86_64+archlinuxcn"
    assert made.initramfs == made.board.initramfs
    assert build(root_fs="erofs").makers == ("dosfstools", "erofs-utils")
    assert build(root_fs="erofs").welcome == ("dosfstools",)
