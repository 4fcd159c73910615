"""The manual page: whole, and as man(1) reads it."""

import re
import shutil
import subprocess

import pytest

from aimager.commands.man_page import write_man_page
from aimager.config.variable import Group, Variable
from aimager.config.variables import VARIABLES
from tests.support.doit_nursery import nursery
from tests.support.places import ROOT

PAGE = (ROOT / "docs/aimager.1").read_text()


def test_the_page_of_the_docs_is_what_the_task_prints(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with nursery(tmp_path_factory.mktemp("man")) as opened:
        environment = {"AIMAGER_CACHE": str(opened.folder / "cache")}
        status, said = opened.run(["man"], environment, program="aimager")
    assert (status, said) == (0, PAGE), "doit man > docs/aimager.1"


def test_what_roff_would_read_as_its_own_is_escaped() -> None:
    variable = Variable("a-b", Group.disk, '.x \\ "y"', "'d", "a-b=.x", choices=("on", "off"))
    page = write_man_page({"some-task": "do it"}, [variable])
    assert ".TP\n.B some\\-task\ndo it\n" in page
    assert (
        ".SS The disk\n.TP\n.B a\\-b=\n\\&.x \\e \\(dqy\\(dq; one of on, off; default: 'd\n" in page
    )
    assert ".br\n.I a\\-b=.x\n" in page


def test_man_shows_every_variable_without_a_complaint() -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("there is no groff")
    argv = [groff, "-man", "-Tutf8", "-ww", "-z"]
    done = subprocess.run(argv, input=PAGE, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    argv = [groff, "-man", "-Tascii", "-P-cbou", "-rLL=200n"]
    shown = subprocess.run(argv, input=PAGE, capture_output=True, text=True, check=True).stdout
    for variable in VARIABLES:
        assert re.search(rf"^ +{re.escape(variable.name)}=", shown, re.MULTILINE), variable.name
