"""A lock file names what a build is of."""

import dataclasses
from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.packages.lock_file import LockedBuild, format_lock_file, join_locks
from tests.config.test_build import HERE, refusal


@pytest.fixture
def lock(tmp_path: Path) -> str:
    path = tmp_path / "image.lock"
    locked = LockedBuild("archlinux", "x86_64", "x64-uefi", ("vim", "git"), "h", "")
    path.write_text(format_lock_file(join_locks({}, locked)))
    return str(path)


def test_a_lock_file_says_what_it_is_of(lock: str) -> None:
    build = read_build({"lock": lock}, HERE)
    assert build
    assert (build.id, build.packages) == ("archlinux-x86_64-x64-uefi", ("vim", "git"))
    assert build.lock == Path(lock)
    assert read_build({"lock": Path(lock).name}, Path(lock).parent) == dataclasses.replace(
        build, out=Path(lock).parent / "out"
    )


def test_the_command_line_goes_before_the_lock_file(lock: str) -> None:
    build = read_build({"lock": lock, "board": "none", "install-pkgs": "nano"}, HERE)
    assert build
    assert (build.id, build.packages) == ("archlinux-x86_64-none", ("nano",))
    build = read_build({"lock": lock, "install-pkgs": ""}, HERE)
    assert build
    assert build.packages == ()


def test_a_lock_file_may_be_still_to_be_made(tmp_path: Path) -> None:
    build = read_build({"lock": "new.lock", "board": "x64-uefi"}, tmp_path)
    assert build
    assert build.lock == tmp_path / "new.lock"
    assert refusal(lock="new.lock") == (
        f"there is no lock file {HERE}/new.lock",
        "doit lock distro= board= lock=FILE makes it",
    )
    assert refusal(lock="")[0] == "lock= is empty"


def test_a_damaged_lock_file_is_refused_whatever_else_is_given(tmp_path: Path) -> None:
    path = tmp_path / "image.lock"
    path.write_text("<html>")
    assert refusal(lock=str(path), board="x64-uefi")[0].startswith(f"{path} is not a lock file: ")
