"""Every package of real databases is what pacman finds in them."""

import json
import shutil
from pathlib import Path

import pytest

from aimager.packages.dependencies import closure
from aimager.packages.sync_database import Packages, read_database
from tests.support.database_verdicts import FILES, FOLDER, RECORD, Entry, ask, digests

RECORDED: dict[str, list[str]] = json.loads(RECORD.read_text())

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


@every_file
def test_every_package_is_as_pacman_has_it(path: Path) -> None:
    packages = read_database("real", path)
    assert packages.faults == {}
    read = digests(ours(packages))
    assert {name for digest, name in read.items() if digest not in RECORDED[path.name]} == set()
    assert len(read) == len(RECORDED[path.name])


def test_they_are_worth_it() -> None:
    """They have what today's and yesterday's repo-add write, and odd names."""
    alarm, nemesis = (ours(read_database("real", path)) for path in FILES)
    assert (len(nemesis), len(alarm)) == (479, 276)
    assert sum(":" in entry.file for entry in nemesis.values()) == 4
    keyring = nemesis["kiro-keyring"]
    assert (keyring.version, keyring.size) == ("1:26.06-100", 6193)
    assert keyring.file == "kiro-keyring-1:26.06-100-any.pkg.tar.zst"
    assert any(entry.groups for entry in alarm.values())


def test_dependencies_apart_lead_on() -> None:
    packages = read_database("core", FOLDER / "alarm-armv7h-2020-10-core.db")
    assert {"glibc", "gnupg", "libarchive"} <= {*closure(packages, ["pacman"])}


@pytest.mark.skipif(not shutil.which("pacman"), reason="pacman is missing")
@every_file
def test_this_machines_pacman_finds_the_same(path: Path) -> None:
    assert sorted(digests(ask("pacman", path))) == RECORDED[path.name]
