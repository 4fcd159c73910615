"""The jobs of a file of builds, in phases."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from aimager.commands.command_line import Asked
from aimager.commands.fleet_matrix import LARGEST, PHASES, make_phases
from aimager.commands.matrix import print_matrix
from aimager.errors import ConfigError
from aimager.model.build import Build
from tests.config.test_fleet import built

FLEET = """
[builds.server]
board = "x64-uefi"
install-pkgs = ["openssh"]

[matrix]
board = ["x64-uefi", "rpi4"]
[matrix.variants.plain]
[matrix.variants.web]
install-pkgs = ["nginx"]
hostname = "web"
[matrix.variants.mirror]
install-pkgs = ["nginx"]
"""


def tasks(builds: Sequence[Build]) -> dict[str, dict[str, str]]:
    """By phase, each job's runner by its task, or, of an image, by its build."""
    phases = make_phases(builds, "github")
    assert tuple(phases) == PHASES
    return {
        phase: {
            job["only"] if phase == "images" else job["task"]: job["runner"]
            for chunk in chunks
            for job in chunk["include"]
        }
        for phase, chunks in phases.items()
    }


def test_what_several_need_comes_first_and_once(tmp_path: Path) -> None:
    intel, arm = "ubuntu-24.04", "ubuntu-24.04-arm"
    found = tasks(built(tmp_path, FLEET))
    assert found["bases"] == {
        "make-rootfs-archive:archlinux-x86_64": intel,
        "make-rootfs-archive:archlinuxarm-aarch64": arm,
    }
    assert found["boards"] == {
        "install-packages:server.board": intel,
        "install-packages:rpi4-plain": arm,
    }
    assert found["systems"] == {
        "install-packages:x64-uefi-web": intel,
        "install-packages:rpi4-web": arm,
    }
    assert found["images"] == {
        **dict.fromkeys(("server", "x64-uefi-plain", "x64-uefi-web"), intel),
        **{"x64-uefi-mirror": intel, "rpi4-plain": arm, "rpi4-web": arm, "rpi4-mirror": arm},
    }


def test_what_one_alone_needs_has_no_job_of_its_own(tmp_path: Path) -> None:
    found = tasks(built(tmp_path, FLEET, only="server"))
    assert found == {"bases": {}, "boards": {}, "systems": {}, "images": {"server": "ubuntu-24.04"}}


def test_no_matrix_is_larger_than_the_service_takes(tmp_path: Path) -> None:
    seeds = ", ".join(f'"s{n}"' for n in range(300))
    builds = built(tmp_path, f'[matrix]\nboard = ["rpi4"]\nseed = [{seeds}]\n')
    images = make_phases(builds, "github")["images"]
    assert [len(chunk["include"]) for chunk in images] == [LARGEST["github"], 44]
    pipeline = make_phases(builds, "gitlab")
    assert pipeline["stages"] == list(PHASES)
    assert {"images-1", "images-2", "bases", "boards"} <= pipeline.keys()
    assert "systems" not in pipeline
    job: dict[str, Any] = pipeline["images-2"]
    assert (job["extends"], job["stage"]) == (".aimager", "images")
    assert job["parallel"]["matrix"][0].keys() == {"NAME", "TASK", "ONLY", "RUNNER"}


def test_it_is_printed_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    builds = built(tmp_path, FLEET)
    print_matrix(Asked(tmp_path, assignments={"for": "gitlab"}), builds)
    assert json.loads(capsys.readouterr().out) == make_phases(builds, "gitlab")


def test_builds_without_names_cannot_be_asked_for(tmp_path: Path) -> None:
    builds = built(tmp_path, 'board = ["rpi4", "rpi5"]\n')
    with pytest.raises(ConfigError, match="the builds of the file have no names"):
        make_phases(builds, "github")
