"""The table of variables, what follows from it, and names that it does not have."""

import re

import pytest

from aimager.config.unknown_names import check_names
from aimager.config.variable import Group, Variable
from aimager.config.variables import VARIABLES
from aimager.errors import ConfigError
from tests.support.variables_page import tables, written


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


def test_what_stands_for_another_programs_option_is_told() -> None:
    with pytest.raises(ConfigError) as caught:
        check_names(["board", "binfmt-check"])
    assert caught.value.message == "there is no variable binfmt-check="
    assert caught.value.hint.startswith("nothing of the host's binfmt_misc")


def test_any_repository_may_have_a_mirror() -> None:
    check_names(["repo-url-core", "repo-url-my.own+repo", "repo-url-parent"])
    with pytest.raises(ConfigError, match="there is no variable repo-url-="):
        check_names(["repo-url-"])
    with pytest.raises(ConfigError, match=r"there is no variable repo-url-\*="):
        check_names(["repo-url-*"])


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda v: v.name)
def test_every_variable_explains_itself(variable: Variable) -> None:
    assert variable.meaning
    name, equals, value = variable.example.partition("=")
    assert (equals, bool(value)) == ("=", True)
    assert variable.matches(name), "the example is of another variable"


def test_the_page_of_variables_has_the_same_tables() -> None:
    """``python -m tests.support.variables_page`` writes them."""
    assert written() == tables()


def test_no_name_is_given_twice() -> None:
    names = [variable.name for variable in VARIABLES]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9-]+(-\*)?", name) for name in names)


def test_a_name_for_many_takes_each_and_gives_the_rest() -> None:
    append = Variable("append-*", Group.system, "")
    assert append.matches("append-linux-lts")
    assert append.stem("append-linux-lts") == "linux-lts"
    assert not append.matches("append-")
    assert not append.matches("append")
    assert not append.matches("append-a b")
