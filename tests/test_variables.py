"""The words of the command line become a build, or are refused by name."""

import dataclasses
from pathlib import Path

import pytest

from aimager import variables
from aimager.architecture import Architecture
from aimager.build import MirrorChoice, Product, Tools
from aimager.distro import Distro
from aimager.distros import DISTROS
from aimager.errors import ConfigError
from aimager.setup import DEFAULT_LOCALE, Password, Setup, User
from aimager.variables import VARIABLES, check_names, find_distro, read_build
from boards import BOARDS

HERE = Path("/somewhere")


def refusal(**words: str) -> tuple[str, str]:
    """The message and the hint for these words, whose dashes are underscores."""
    with pytest.raises(ConfigError) as caught:
        read_build({name.replace("_", "-"): value for name, value in words.items()}, HERE)
    return caught.value.message, caught.value.hint


def test_no_words_no_build() -> None:
    assert read_build({}, HERE) is None


def test_defaults_of_a_board() -> None:
    build = read_build({"board": "x64-uefi"}, HERE)
    assert build
    assert build.id == "archlinux-x86_64-x64-uefi"
    assert build.board is BOARDS["x64-uefi"]
    assert build.products == (Product.disk,)
    assert build.out == HERE / "out"
    assert build.setup == Setup(
        hostname="x64-uefi",
        locales=(DEFAULT_LOCALE,),
        command_line=BOARDS["x64-uefi"].command_line,
    )
    assert build.mirrors == MirrorChoice()
    assert (build.packages, build.root_size, build.tools) == ((), None, Tools.borrowed)


def test_a_distribution_alone_makes_a_root_archive() -> None:
    build = read_build({"distro": "alarm"}, HERE)
    assert build
    assert build.id == "archlinuxarm-aarch64-none"
    assert build.products == (Product.root_tar,)
    assert build.setup.hostname == "archlinuxarm"


def test_every_variable_reaches_the_build() -> None:
    words = {
        "distro": "archlinux",
        "board": "x64-uefi",
        "arch": "x86_64",
        "create": "part-root.img,root.tar",
        "out": "/elsewhere",
        "root-size": "8GiB",
        "hostname": "pc",
        "locales": "de_DE.UTF-8,en_US.UTF-8",
        "useradd": "-m -G wheel alice",
        "chpasswd": "alice:a,b",
        "sudo-group": "wheel",
        "append-all": "quiet  rw",
        "install-pkgs": "vim,git",
        "repo-url-parent": "https://mirror.example/",
        "repo-url-core": "http://127.0.0.1:1/$repo",
        "repo-url-extra": "http://127.0.0.1:2/$repo",
        "trust-key": "ab" * 20,
        "tools": "host",
        "offline": "yes",
    }
    assert {v.name for v in VARIABLES} - {"repo-url-*"} <= words.keys()
    build = read_build(words, HERE)
    assert build
    assert build.products == (Product.part_root, Product.root_tar)
    assert build.out == Path("/elsewhere")
    assert build.root_size == 8 << 30
    assert build.setup == Setup(
        hostname="pc",
        locales=("de_DE.UTF-8", "en_US.UTF-8"),
        users=(User(("-m", "-G", "wheel", "alice")),),
        passwords=(Password("alice", "a,b"),),
        sudo_groups=("wheel",),
        command_line=("quiet", "rw"),
    )
    assert build.packages == ("vim", "git")
    assert build.mirrors == MirrorChoice(
        parent="https://mirror.example",
        repositories=(
            ("core", "http://127.0.0.1:1/$repo"),
            ("extra", "http://127.0.0.1:2/$repo"),
        ),
        trusted_keys=("AB" * 20,),
        offline=True,
    )
    assert build.tools is Tools.host


def test_a_misspelt_variable_is_refused_with_the_right_one() -> None:
    with pytest.raises(ConfigError) as caught:
        check_names(["board", "hostnam"])
    assert caught.value.message == "there is no variable hostnam="
    assert caught.value.hint.startswith("did you mean hostname=? the variables are distro board ")


def test_a_strange_variable_is_refused_without_a_guess() -> None:
    with pytest.raises(ConfigError) as caught:
        check_names(["zzzz"])
    assert caught.value.message == "there is no variable zzzz="
    assert caught.value.hint.startswith("the variables are distro board ")


def test_any_repository_may_have_a_mirror() -> None:
    check_names(["repo-url-core", "repo-url-my.own+repo", "repo-url-parent"])
    with pytest.raises(ConfigError, match="there is no variable repo-url-="):
        check_names(["repo-url-"])
    with pytest.raises(ConfigError, match=r"there is no variable repo-url-\*="):
        check_names(["repo-url-*"])


def test_what_does_not_exist_is_named_with_what_does() -> None:
    boards = ", ".join(BOARDS)
    assert refusal(board="x65") == ("there is no board x65", f"board= is one of {boards}")
    assert refusal(distro="debian") == (
        "there is no distribution debian",
        "distro= is one of archlinux or arch, archlinuxarm or alarm or archarm",
    )
    assert refusal(board="x64-uefi", tools="mine") == (
        "there are no tools mine",
        "tools= is one of borrowed, host",
    )


def test_a_missing_distribution_is_asked_for() -> None:
    assert refusal(create="root.tar") == (
        "distro= is missing",
        "it is one of archlinux, archlinuxarm",
    )
    assert refusal(board="none") == (
        "distro= is missing, the board none suits several",
        "it is one of archlinux, archlinuxarm",
    )


def test_what_does_not_go_together_is_refused() -> None:
    assert refusal(board="x64-uefi", distro="alarm") == (
        "the board x64-uefi is not for archlinuxarm",
        "it is for archlinux",
    )
    assert refusal(board="x64-uefi", arch="aarch64") == (
        "arch=aarch64 does not go with archlinux on the board x64-uefi",
        "it is one of x86_64",
    )
    assert refusal(distro="arch", root_size="1G") == (
        "root-size= is of no use for the board none, which has no disk",
        "",
    )


def test_products_that_a_board_does_not_have() -> None:
    assert refusal(distro="arch", create="disk.img") == (
        "create=disk.img cannot be made for the board none",
        "it is one of root.tar",
    )
    everything = "it is one of root.tar, disk.img, part-boot.img, part-root.img"
    assert refusal(board="x64-uefi", create="floppy") == (
        "create=floppy cannot be made for the board x64-uefi",
        everything,
    )
    assert refusal(board="x64-uefi", create=",") == ("create= is empty", everything)


@pytest.mark.parametrize("address", ["", "ftp://x/", "mirror.example", "https://", "http:///x"])
def test_addresses(address: str) -> None:
    hint = "it starts with https://"
    assert refusal(board="x64-uefi", repo_url_core=address) == (
        f"repo-url-core={address} is no address",
        hint,
    )
    assert refusal(board="x64-uefi", repo_url_parent=address) == (
        f"repo-url-parent={address} is no address",
        hint,
    )


def test_values_are_checked_whatever_reads_them() -> None:
    assert refusal(board="x64-uefi", hostname="a_b")[0] == "hostname=a_b is no host name"
    assert refusal(board="x64-uefi", install_pkgs="-x")[0] == "install-pkgs=-x is no package name"
    assert refusal(board="x64-uefi", offline="1")[0] == "offline=1 is neither yes nor no"
    assert refusal(board="x64-uefi", root_size="big")[0] == "root-size=big is no size"


def test_an_empty_password_list_is_none() -> None:
    build = read_build({"board": "x64-uefi", "chpasswd": ""}, HERE)
    assert build
    assert build.setup.passwords == ()


@pytest.mark.parametrize("distro", DISTROS, ids=lambda d: d.id)
def test_distributions_are_found_by_every_name(distro: Distro) -> None:
    for name in (distro.id, distro.name, distro.name.upper(), *distro.aliases):
        assert find_distro(name) is distro


def test_the_architecture_is_the_hosts_where_there_is_a_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = dataclasses.replace(find_distro("arch"), architectures=tuple(Architecture))
    monkeypatch.setattr(variables, "DISTROS", (both,))
    for architecture in Architecture:
        monkeypatch.setattr(variables, "host_architecture", lambda a=architecture: a)
        build = read_build({"distro": "arch"}, HERE)
        assert build
        assert build.platform.architecture is architecture
    monkeypatch.setattr(variables, "host_architecture", lambda: "riscv64")
    assert refusal(distro="arch") == ("arch= is missing", "it is one of x86_64, aarch64")
    build = read_build({"distro": "arch", "arch": "aarch64"}, HERE)
    assert build
    assert build.id == "archlinux-aarch64-none"
