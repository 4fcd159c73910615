"""Every package of real databases is what pacman finds in them."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from aimager.packages.dependencies import closure
from aimager.packages.sync_database import Packages, read_database
from tests.support.database_verdicts import FILES, FOLDER, RECORD, Entry, ask

RECORDED: dict[str, dict[str, list[object]]] = json.loads(RECORD.read_text())

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def ours(packages: Packages) -> dict[str, Entry]:
    return {
        name: Entry(
            package.locked.version,
            package.locked.file,
            package.locked.size,
            package.locked.architecture,
            package.locked.build_date,
            list(package.groups),
            list(package.provides),
            list(package.depends),
        )
        for name, package in packages.items()
    }


def as_json(entries: Mapping[str, Entry]) -> dict[str, list[object]]:
    return {name: list(entry) for name, entry in entries.items()}


@every_file
def test_every_package_is_as_pacman_has_it(path: Path) -> None:
    packages = read_database("real", path)
    assert packages.faults == {}
    assert as_json(ours(packages)) == RECORDED[path.name]


def test_they_are_worth_it() -> None:
    """What is recorded has what today's and yesterday's repo-add write, and odd names."""
    nemesis, alarm = RECORDED["nemesis-2026-07.db"], RECORDED["alarm-armv7h-2020-10-core.db"]
    assert (len(nemesis), len(alarm)) == (479, 276)
    files = [str(entry[1]) for entry in nemesis.values()]
    assert sum(":" in name for name in files) == 4
    assert nemesis["kiro-keyring"][:3] == [
        "1:26.06-100",
        "kiro-keyring-1:26.06-100-any.pkg.tar.zst",
        6193,
    ]
    assert any(entry[5] for entry in alarm.values())


def test_dependencies_apart_lead_on() -> None:
    packages = read_database("core", FOLDER / "alarm-armv7h-2020-10-core.db")
    assert {"glibc", "gnupg", "libarchive"} <= {*closure(packages, ["pacman"])}


@pytest.mark.skipif(not shutil.which("pacman"), reason="pacman is missing")
@every_file
def test_this_machines_pacman_finds_the_same(path: Path) -> None:
    assert as_json(ask("pacman", path)) == RECORDED[path.name]
