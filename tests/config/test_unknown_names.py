"""A variable that does not exist is refused, with the one that was meant."""

import pytest

from aimager.commands.command_line import unknown_option
from aimager.config.unknown_names import INSTEAD, check_names
from aimager.errors import ConfigError


def test_a_misspelt_variable_is_refused_with_the_right_one() -> None:
    with pytest.raises(ConfigError) as caught:
        check_names(["board", "hostnam"])
    assert caught.value.message == "there is no variable hostnam="
    assert caught.value.hint.startswith("did you mean hostname=? doit variables explains every")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("HostName", "hostname= or oci-name=? "),
        ("appendall", "append-all=, append-NAME= or append-default=? "),
        ("repourl-core", "repo-core=, repo-url-parent= or repo-url-NAME=? "),
    ],
)
def test_the_nearest_three_are_named(name: str, near: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_names([name])
    told = caught.value.hint
    assert told == f"did you mean {near}doit variables explains every variable"


def test_a_strange_variable_is_refused_without_a_guess() -> None:
    with pytest.raises(ConfigError) as caught:
        check_names(["zzzz"])
    assert caught.value.message == "there is no variable zzzz="
    assert caught.value.hint == "doit variables explains every variable"


def test_what_stands_for_another_programs_option_is_told() -> None:
    with pytest.raises(ConfigError) as caught:
        check_names(["board", "binfmt-check"])
    assert caught.value.message == "there is no variable binfmt-check="
    assert caught.value.hint.startswith("nothing of the host's binfmt_misc")


@pytest.mark.parametrize("option", INSTEAD)
def test_an_option_of_another_program_is_told_however_it_is_written(option: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_names(["board", option])
    for told in (f"--{option} not recognized", f"--{option}=x not recognized"):
        error = unknown_option(told, ["build", f"--{option}"], ["build"])
        assert error.hint == caught.value.hint == INSTEAD[option]


def test_any_repository_may_have_a_mirror() -> None:
    check_names(["repo-url-core", "repo-url-my.own+repo", "repo-url-parent"])
    with pytest.raises(ConfigError, match="there is no variable repo-url-="):
        check_names(["repo-url-"])
    with pytest.raises(ConfigError, match=r"there is no variable repo-url-\*="):
        check_names(["repo-url-*"])
