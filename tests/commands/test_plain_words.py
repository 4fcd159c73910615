"""Variables come to one form, however they are written."""

import pytest

from aimager.commands.plain_words import plain_words
from aimager.errors import ConfigError


@pytest.mark.parametrize(
    ("words", "plain"),
    [
        (["build", "board=x"], ["build", "board=x"]),
        (["build", "--board", "x", "--distro", "y"], ["build", "board=x", "distro=y"]),
        (["--board=x", "build"], ["board=x", "build"]),
        (["build", "--useradd", "-m alice"], ["build", "useradd=-m alice"]),
        (["build", "--table==gpt_1g_esp"], ["build", "table==gpt_1g_esp"]),
        (["build", "--table", "=gpt_1g_esp"], ["build", "table==gpt_1g_esp"]),
        (
            ["--repo-url-core", "http://m", "--append-linux=x"],
            ["repo-url-core=http://m", "append-linux=x"],
        ),
        (["", "build", "", "board=x"], ["build", "board=x"]),
        (["--seed", "", "build"], ["seed=", "build"]),
        (["--seed=", "build"], ["seed=", "build"]),
        (["-n", "2", "list", "--all", "-s"], ["-n", "2", "list", "--all", "-s"]),
        (["show", "--bord=x", "--json"], ["show", "--bord=x", "--json"]),
        (["-board=x"], ["-board=x"]),
        ([], []),
    ],
)
def test_words(words: list[str], plain: list[str]) -> None:
    assert plain_words(words) == plain


@pytest.mark.parametrize("words", [["build", "--board"], ["--board", "--distro", "x"]])
def test_a_missing_value(words: list[str]) -> None:
    with pytest.raises(ConfigError, match="--board has no value"):
        plain_words(words)
