"""The variables of what looks at an image, read, and refused where they are wrong."""

from pathlib import Path

import pytest

from aimager.config.guest_variables import check_shell
from aimager.config.variables import make_words
from aimager.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("memory", "4G", 4 << 30),
        ("cpus", "4", 4),
        ("disk-size", "16G", 16 << 30),
        ("ssh-port", "65535", 65535),
        ("internet", "yes", True),
        ("graphics", "no", False),
        ("keep", "yes", True),
        ("keep", "no", False),
    ],
)
def test_values(name: str, text: str, value: object) -> None:
    assert make_words({name: text}, Path("/here")).read(name) == value


def test_a_kept_root_lies_in_a_folder_that_is_there(tmp_path: Path) -> None:
    words = make_words({"keep": "root.tar.zst"}, tmp_path)
    assert words.read("keep") == tmp_path / "root.tar.zst"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("cpus", "0", "cpus=0 is not a number of processors"),
        ("cpus", "-1", "cpus=-1 is not"),
        ("cpus", "two", "cpus=two is not"),
        ("cpus", "12345", "cpus=12345 is not"),
        ("ssh-port", "0", "ssh-port=0 is not the number of a port"),
        ("ssh-port", "65536", "ssh-port=65536 is not"),
        ("ssh-port", "ssh", "ssh-port=ssh is not"),
        ("memory", "much", "memory=much is not a size"),
        ("disk-size", "1000", "disk-size=1000 is not a multiple"),
        ("internet", "on", "internet=on is neither yes nor no"),
        ("graphics", "", "graphics= is neither yes nor no"),
        ("keep", "root.tar.gz", "keep=root.tar.gz is neither yes, no, nor the name of an archive"),
        ("keep", "none/root.tar", "keep=none/root.tar cannot be written"),
        ("image", "none.img", "image=none.img: there is no such file"),
    ],
)
def test_what_is_no_value_is_told(name: str, text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        make_words({name: text}, tmp_path).read(name)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"keep": "yes"}, "keep=yes is for doit boot"),
        ({"internet": "yes"}, "internet= is for doit boot"),
        ({"memory": "4G"}, "memory= is for doit boot"),
    ],
)
def test_what_is_not_for_a_shell_is_told(words: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        check_shell(make_words(words, tmp_path))


def test_what_is_for_a_shell(tmp_path: Path) -> None:
    for words in ({}, {"keep": "root.tar"}, {"keep": "no"}, {"board": "x64-uefi"}):
        check_shell(make_words(words, tmp_path))
