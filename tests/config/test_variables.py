"""The table of variables, what follows from it, and names that it does not have."""

import itertools
import re
from pathlib import Path

import pytest

from aimager.config.variable import Group, Variable
from aimager.config.variables import VARIABLES, make_words
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


@pytest.mark.parametrize(
    ("field", "names"),
    [
        (
            "several",
            "board boards only create compress mkfs-arg locales services"
            " files overlay scripts useradd sudo-group ssh-keys network install-pkgs add-repos"
            " repos-first repos-for-build repo-url-parent repo-url-* repos-base trust-key"
            " trust-key-*",
        ),
        (
            "paths",
            "distro board boards builds disk-from files overlay scripts ssh-keys wifi install-pkgs"
            " packages-from packages lock reuse-root-tar key-file-* out report sign"
            " keyring-helper remote remote-allowed-signers remote-revoked-keys remote-key"
            " cluster-tls image to manifest device device-again keep",
        ),
        ("secret", "useradd chpasswd wifi add-repos repo-url-parent repo-url-* remote"),
        ("listed_by", "distro board boards table add-repos"),
    ],
)
def test_what_only_some_are(field: str, names: str) -> None:
    assert [v.name for v in VARIABLES if getattr(v, field)] == names.split()


def test_those_of_a_group_stand_together() -> None:
    groups = [variable.group for variable in VARIABLES]
    assert [group for group, _ in itertools.groupby(groups)] == list(Group)


def test_every_default_is_a_value_or_explains_itself() -> None:
    """A default that stands among the values is spelled as they are."""
    for variable in VARIABLES:
        assert (
            variable.default in ("", *variable.choices)
            or " " in variable.default
            or (variable.name in {"board", "out", "locales", "cpus", "keep"})
        )


def test_words_are_read_as_the_table_says() -> None:
    words = make_words(
        {
            "offline": "yes",
            "append-all": "a",
            "append-linux": "b  c",
            "repo-url-parent": "http://p",
        },
        Path("/here"),
    )
    assert words.read("offline") is True
    assert words.read("seed", "none") == "none"
    assert words.read("seed") is None
    assert ("offline" in words, "seed" in words) == (True, False)
    assert words.read_many("append-*") == {"linux": ("b", "c")}
    assert words.read_many("repo-url-*") == {}
