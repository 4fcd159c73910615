"""The tables of the pages name every variable, board and platform, and what the tests ran."""

import re

import pytest

from aimager.commands.listing import LISTS
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
