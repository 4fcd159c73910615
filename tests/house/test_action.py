"""The scripts of the actions, run in order in a clean folder, by an ordinary user where one is."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.commands.demo import BOARDS
from aimager.model.architecture import host_architecture
from tests.support.action_runner import Runner
from tests.support.cells import HOST, Cell, copy_checkout, fresh_folder
from tests.support.prepared_venv import make_venv
from tests.support.runs import Doit
from tests.support.surroundings import find_user

BUILD = ["Allow user namespaces", "Install what a build needs", "Read the inputs"]
BUILD += ["Restore the cache", "Build"]
KEEP = ["Prune the cache", "Save the cache"]


@pytest.fixture(scope="module")
def runner(test_cache: Path) -> Runner:
    """A clean runner with the action's checkout, a workspace, and a folder for all else."""
    user = find_user()
    place = fresh_folder(test_cache / "action")
    for name in ("workspace", "temp", "home"):
        (place / name).mkdir()
    copy_checkout(place / "checkout")
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "CI": "true"}
    if isinstance(user, str):
        make_venv(place / "checkout", sys.executable)
        environment["USER"] = os.environ.get("USER", "root")
        prefix: tuple[str, ...] = ()
    else:
        make_venv(place / "checkout", user.python)
        user.give(place)
        environment |= user.settings
        prefix = user.prefix
    environment["HOME"] = str(place / "home")
    checkout, workspace, temp = (place / name for name in ("checkout", "workspace", "temp"))
    return Runner(checkout, workspace, temp, environment, prefix)


def test_the_matrix(runner: Runner) -> None:
    listing = replace(runner, action=runner.action / ".github/actions/matrix", used=[], ran=[])
    outputs = listing.run(boards="x64-uefi,none", variables="distro=archlinux\narch=x86_64\n")
    entries = json.loads(outputs["matrix"])["include"]
    assert [entry["board"] for entry in entries] == ["x64-uefi", "none"]
    assert entries[1]["distro"] == "archlinux"


@pytest.mark.slow
def test_a_build(runner: Runner, doit: Doit) -> None:
    variables = "\n".join([*doit.variables, "hostname=from-ci", "append-all=quiet rw", ""])
    distro = HOST.platform.distro.id
    cell = Cell(HOST.platform, BOARDS[host_architecture()])
    words = {"board": cell.board, "distro": distro, "variables": variables}
    first = replace(runner, used=[], ran=[])
    outputs = first.run(**words)
    folder = Path(outputs["folder"])
    assert folder.name == cell.id
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    assert first.ran == [*BUILD, *KEEP, "Upload the results"]
    (_, restore), (_, save), (_, upload) = first.used
    assert [name for name, _ in first.used] == [
        "actions/cache/restore",
        "actions/cache/save",
        "actions/upload-artifact",
    ]
    assert restore["path"] == save["path"] == str(runner.temp / "aimager-cache")
    assert upload["path"] == str(folder)
    assert (runner.temp / "aimager-cache/product/pack-image").is_dir()
    prefixes = restore["restore-keys"].split()
    assert all(save["key"].startswith(prefix) for prefix in prefixes)
    assert restore["key"].startswith(prefixes[0])
    if runner.prefix:
        assert (folder / "disk.img").stat().st_uid != os.getuid()

    (lock,) = runner.temp.glob("*.lock")
    own = shutil.copy(lock, runner.workspace / "image.lock")
    again = replace(runner, used=[], ran=[], restored=save["key"])
    outputs = again.run(**words, lock=Path(own).name, artifact="")
    assert Path(outputs["folder"]).name == cell.id
    assert again.ran == BUILD, "nothing new is to be kept, and nothing to be uploaded"
    ((_, restore),) = again.used
    assert restore["key"].endswith(save["key"].rpartition("-")[2]), "the lock is the same"
