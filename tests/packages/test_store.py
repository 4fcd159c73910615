"""What lies in the store is whole, or is not there."""

import os
from pathlib import Path

import pytest

from aimager.packages.store import is_stored
from tests.support.locked import make_file

CONTENT = b"a package" * 1000
PACKAGE = make_file("bash", CONTENT)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store that holds the package."""
    path = PACKAGE.path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    PACKAGE.signature(tmp_path).write_bytes(b"\x89 signature")
    return tmp_path


def test_a_package_is_read_once(store: Path) -> None:
    path = PACKAGE.path(store)
    assert is_stored(PACKAGE, store)
    assert path.stat().st_mtime == PACKAGE.build_date
    path.write_bytes(CONTENT[:-1] + b"!")
    os.utime(path, (0, PACKAGE.build_date))
    assert is_stored(PACKAGE, store)  # its size and time are the recorded ones


def test_it_is_read_again_when_its_time_is_another(store: Path) -> None:
    assert is_stored(PACKAGE, store)
    os.utime(PACKAGE.path(store))
    assert is_stored(PACKAGE, store)
    assert PACKAGE.path(store).stat().st_mtime == PACKAGE.build_date


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x", b"", CONTENT[:-1] + b"x"])
def test_damage_is_seen(store: Path, content: bytes) -> None:
    assert is_stored(PACKAGE, store)
    PACKAGE.path(store).write_bytes(content)
    assert not is_stored(PACKAGE, store)


def test_both_files_are_needed(store: Path) -> None:
    PACKAGE.signature(store).unlink()
    assert not is_stored(PACKAGE, store)
    PACKAGE.signature(store).touch()
    PACKAGE.path(store).unlink()
    assert not is_stored(PACKAGE, store)
