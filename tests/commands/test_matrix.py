"""Matrices over boards for continuous integration."""

import json
import shutil
from pathlib import Path

import pytest

from aimager.commands.command_line import Asked
from aimager.commands.matrix import make_matrix, print_matrix
from aimager.errors import ConfigError
from boards import BOARDS
from tests.support.places import ROOT


def entries(folder: Path = ROOT, **variables: str) -> list[dict[str, str]]:
    """The entries of a matrix for GitHub."""
    matrix = make_matrix(variables, folder)
    assert isinstance(matrix, dict)
    found: list[dict[str, str]] = matrix["include"]
    return found


def test_it_is_printed_as_json_of_the_command_lines_boards(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_matrix(Asked(ROOT, assignments={"boards": "x64-uefi,rpi4"}), ())
    told = json.loads(capsys.readouterr().out)["include"]
    assert [entry["board"] for entry in told] == ["x64-uefi", "rpi4"]


def test_each_board_has_a_machine_that_does_it_natively() -> None:
    runners = {entry["board"]: entry["runner"] for entry in entries()}
    assert runners.keys() == BOARDS.keys() - {"none"}
    assert runners["x64-uefi"] == runners["x86-legacy"] == "ubuntu-24.04"
    assert runners["rpi4"] == runners["armv7h-uboot"] == "ubuntu-24.04-arm"
    assert runners["riscv64-uboot"] == "ubuntu-24.04", "there is none of its own"


def test_an_entry_has_all_that_a_build_is_asked_by() -> None:
    (entry,) = entries(boards="rpi2")
    assert entry == {
        "board": "rpi2",
        "distro": "archlinuxarm",
        "arch": "armv7h",
        "name": "archlinuxarm-armv7h-rpi2",
        "runner": "ubuntu-24.04-arm",
    }


def test_gitlab_has_its_own_form() -> None:
    matrix = make_matrix({"boards": "rpi4", "for": "gitlab"}, ROOT)
    named = {"BOARD": "rpi4", "DISTRO": "archlinuxarm", "ARCH": "aarch64"}
    name, runner = "archlinuxarm-aarch64-rpi4", "saas-linux-small-arm64"
    assert matrix == [{**named, "NAME": name, "RUNNER": runner}]


def test_a_board_for_several_distributions_takes_the_one_that_is_named() -> None:
    with pytest.raises(ConfigError, match="distro= is missing"):
        entries(boards="none")
    assert entries(boards="none", distro="alarm", arch="armv7h")[0]["distro"] == "archlinuxarm"
    found = entries(boards="none,rpi4", distro="archlinuxarm", arch="armv7h")
    assert [entry["arch"] for entry in found] == ["armv7h", "aarch64"]


def test_boards_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for name in ("rpi4", "rpi5"):
        text = (ROOT / f"boards/{name}.py").read_text()
        own = text.replace(f'id="{name}"', f'id="own-{name}"')
        (tmp_path / f"mine/{name}.py").write_text(own)
    both = entries(tmp_path, boards="mine")
    assert [entry["board"] for entry in both] == ["mine/rpi4.py", "mine/rpi5.py"]
    assert both[0]["name"] == "archlinuxarm-aarch64-own-rpi4"
    assert entries(tmp_path, boards="./mine/rpi5.py") == [{**both[1], "board": "./mine/rpi5.py"}]
    shutil.rmtree(tmp_path / "mine")
    (tmp_path / "mine").mkdir()
    with pytest.raises(ConfigError, match="there is no board in the folder"):
        entries(tmp_path, boards="mine")


@pytest.mark.parametrize("variables", [{"boards": "x64-uefi,nono"}, {"for": "jenkins"}], ids=str)
def test_what_is_not_there_is_refused(variables: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        make_matrix(variables, ROOT)
    assert caught.value.hint
