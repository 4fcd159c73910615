"""Lock files of several builds."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.errors import ConfigError
from aimager.model.lock import Lock
from aimager.packages.lock_file import (
    check_build,
    format_lock_file,
    join_locks,
    lock_of,
    read_lock_file,
)
from tests.packages.test_lock_file import BUILD, GLIBC, PARTS, VIM, A, write

SECOND = replace(BUILD, install_packages=())
SEVERAL = {"one": BUILD, "two": SECOND}
LOCKS = {f"{A}.keyring": PARTS[f"{A}.keyring"]} | {
    name: Lock(A, ("base",), (GLIBC, VIM)) for name in SEVERAL
}


def text() -> str:
    """A lock file of two builds."""
    return format_lock_file(join_locks(LOCKS, SEVERAL))


def test_each_build_finds_its_own(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text(text())
    read = read_lock_file(path)
    assert read == join_locks(LOCKS, SEVERAL)
    assert read.locked("two") == SECOND
    assert read.locked(BUILD.id) is None
    assert lock_of(read, "two") == LOCKS["two"]
    data = json.loads(text())
    assert data["format"] == 2, "older versions know no such files"
    assert "build" not in data


def test_one_that_changes_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text(text())
    assert read_lock_file(path).builds.keys() == {"one", "two"}
    path.write_text(format_lock_file(join_locks(LOCKS, {"other": BUILD})))
    assert read_lock_file(path).builds.keys() == {"other"}


@pytest.mark.parametrize("build", ["none", "both"])
def test_it_is_of_one_build_or_of_several(tmp_path: Path, build: str) -> None:
    data = json.loads(text())
    if build == "both":
        data["build"] = data["builds"]["one"]
    else:
        data["builds"] = {}
    with pytest.raises(ConfigError, match="it does not say of which build it is"):
        read_lock_file(write(tmp_path / "lock", data))


def test_a_build_that_it_does_not_have_is_refused(tmp_path: Path) -> None:
    words = {"board": "aarch64-uefi", "distro": "alarm"}
    (tmp_path / "lock").write_text(text())
    locked = read_lock_file(tmp_path / "lock")
    for name, told in (("three", "not of three"), ("", f"not of {BUILD.id}")):
        build = read_build(words, tmp_path, name=name)
        assert build
        with pytest.raises(ConfigError) as caught:
            check_build(build, locked)
        assert caught.value.message == f"the lock file is that of one, two, {told}"
        assert caught.value.hint == "doit update lock=FILE adds what is asked for"
    other = read_build({"board": "rpi4"}, tmp_path, name="one")
    assert other
    with pytest.raises(ConfigError, match="is that of one, two, not of one"):
        check_build(other, locked)


def test_it_says_by_itself_of_no_build(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(text())
    with pytest.raises(ConfigError, match=r"is of several builds: one, two\n"):
        read_build({"lock": "lock"}, tmp_path)
