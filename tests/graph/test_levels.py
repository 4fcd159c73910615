"""What is built for a level of an architecture takes such packages wherever some are installed."""

import sys
from pathlib import Path

import pytest

from aimager.commands.doit_loader import Loader
from aimager.config.build import read_build
from aimager.graph.planning import make_plan

TASKS = ("make_rootfs_archive", "install_packages", "pack_image", "check_twice")


@pytest.mark.parametrize(("arch", "level"), [("x86_64", ""), ("x86-64-v3", "x86_64_v3")])
def test_every_stage_that_installs_knows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arch: str, level: str
) -> None:
    monkeypatch.setattr(Loader, "asked", None)
    monkeypatch.setitem(sys.modules, "aimager.dodo", sys)  # what is loaded there goes again
    loader = Loader(tmp_path)
    loader.assignments = {"board": "x64-uefi", "arch": arch, "check-twice": "yes"}
    loader.ask("list", [], {})
    loader.setup({})
    for name in TASKS:
        list(loader.namespace[f"task_{name}"]())
    levels = [task.stage.level for task in loader.graph.tasks if hasattr(task.stage, "level")]
    assert levels == [level] * 5, "the base system and all of it, both also for the second time"


def test_what_runs_here_is_for_any_machine(tmp_path: Path) -> None:
    build = read_build({"board": "x64-uefi", "arch": "x86_64_v3"}, tmp_path)
    assert build
    requests = {
        request.subject: request.platform.level for request in make_plan(build, None).requests
    }
    lent = [subject for subject in requests if ".borrowed" in subject]
    assert lent
    assert {subject: requests[subject] for subject in lent} == dict.fromkeys(lent, "")
    assert "x86_64_v3" in requests.values()
