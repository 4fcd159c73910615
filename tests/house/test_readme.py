"""The tables of the pages name every variable, board and platform, and what the tests ran."""

import re

import pytest

from aimager.commands.listing import LISTS
from aimager.config.variables import VARIABLES, Variable
from aimager.distros import DISTROS
from boards import BOARDS
from tests.builds import test_arm_boots, test_boots
from tests.builds.test_platforms import PLATFORMS
from tests.support.places import ROOT

README = (ROOT / "README.md").read_text()
VARIABLES_PAGE = (ROOT / "docs/variables.md").read_text()
BOARDS_PAGE = (ROOT / "docs/boards.md").read_text()

OF_WHOLE_BUILDS = {"x64-uefi", "aarch64-uefi"}
"""The boards that tests of whole builds boot."""


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda v: v.name)
def test_every_variable_is_told_of(variable: Variable) -> None:
    stems = [variable.name.replace("*", name) for name in ("NAME", "KERNEL")]
    rows = any(f"\n| `{stem}` | " in VARIABLES_PAGE for stem in stems)
    assert rows or re.search(rf"`[a-z-]+ {variable.name}=`", VARIABLES_PAGE)


def test_no_variable_is_told_of_that_is_none() -> None:
    table = VARIABLES_PAGE[: VARIABLES_PAGE.index("## ")]
    for name in re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE):
        stem = re.sub("NAME|KERNEL", "x", name)
        assert any(variable.matches(stem) for variable in VARIABLES), name


@pytest.mark.parametrize("name", LISTS)
def test_every_list_is_told_of(name: str) -> None:
    assert f"doit {name}" in README + VARIABLES_PAGE


def test_the_boards_are_those_there_are() -> None:
    rows = [line.split("|")[1] for line in BOARDS_PAGE.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert sorted(named) == sorted([*BOARDS.keys() - {"none"}, *(d.id for d in DISTROS)])


def test_the_distributions_have_their_architectures() -> None:
    for distro in DISTROS:
        aliases = ", ".join(f"`{alias}`" for alias in distro.aliases)
        row = f"| `{distro.id}` | {aliases} | {', '.join(distro.architectures)} |"
        assert row in BOARDS_PAGE.splitlines()


def test_the_support_matrix_is_what_the_tests_ran() -> None:
    rows = re.findall(r"^\| (\w+) (\w+) \| (natively|emulated)[^|]*\|([^|]*)\|$", README, re.M)
    assert [f"{distro}-{arch}" for distro, arch, _, _ in rows] == [p.id for p in PLATFORMS]
    booted = {name for *_, boards in rows for name in re.findall(r"`([^`]+)`", boards)}
    arm = {*test_arm_boots.MATCHING, *test_arm_boots.PIS}
    assert booted == {*test_boots.MATCHING, *arm, *OF_WHOLE_BUILDS}
    native = {arch for _, arch, how, _ in rows if how == "natively"}
    assert native == {"x86_64", "i686", "pentium4", "i486"}
