"""The table of variables, what follows from it, and names that it does not have."""

import re

import pytest

from aimager.config.variable import Variable
from aimager.config.variables import VARIABLES
from tests.support.variables_page import tables, written


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
