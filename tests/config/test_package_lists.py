"""Lists of packages that pacman and other builders write add to those that are asked for."""

from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.config.package_lists import read_package_lists
from aimager.errors import ConfigError


def test_lists_are_added(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("# archiso's\nbase\nvim  # an editor\r\n\nextra/git htop\n")
    (tmp_path / "two").write_bytes("\ufefftree\n".encode())
    assert read_package_lists("one,two", tmp_path) == ("base", "vim", "extra/git", "htop", "tree")
    words = {"board": "x64-uefi", "packages-from": "one,two"}
    build = read_build({**words, "install-pkgs": "nano,vim"}, tmp_path)
    assert build
    assert build.packages == ("nano", "vim", "base", "extra/git", "htop", "tree")
    alone = read_build(words, tmp_path)
    assert alone
    assert alone.packages == ("base", "vim", "extra/git", "htop", "tree")
    assert read_build({**words, "packages-from": ""}, tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("vim 9.1.0-1", "has in line 2 of {} a version after the name vim"),
        ("linux 1:6.12.1.arch1-1.2", "has in line 2 of {} a version after the name linux"),
        (
            "./a.pacman",
            "has in line 2 of {} the file ./a.pacman, and takes packages' names",
        ),
        ("https://x/a", "has in line 2 of {} the file https://x/a, and takes packages' names"),
        ("-Syu", "has in line 2 of {} -Syu, which is not a valid package name"),
    ],
)
def test_what_is_not_a_name_is_told_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "list").write_text(f"base\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        read_package_lists("list", tmp_path)
    assert caught.value.message == f"packages-from= {message.format(tmp_path / 'list')}"
    assert caught.value.hint


def test_an_initramfs_maker_in_a_list_is_refused_as_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("mkinitcpio\n")
    with pytest.raises(ConfigError) as caught:
        read_build({"board": "x64-uefi", "packages-from": "list"}, tmp_path)
    assert caught.value.message == "install-pkgs=mkinitcpio is an initramfs maker"
