"""What lies in the store is whole, or is not there."""

import os
from pathlib import Path

import pytest

from aimager.packages.store import digest_of, is_stored, name_in, put_back, read_refused
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
    PACKAGE.path(store).symlink_to(PACKAGE.file)
    assert not is_stored(PACKAGE, store), "a link to itself"
    PACKAGE.path(store).unlink()
    PACKAGE.path(store).mkdir()
    assert not is_stored(PACKAGE, store), "a folder"


def test_what_was_refused_counts_no_more_until_another_takes_its_place(store: Path) -> None:
    for path in (PACKAGE.signature(store), PACKAGE.path(store)):
        refused = {name_in(path, store): digest_of(path)}
        assert is_stored(PACKAGE, store)
        assert not is_stored(PACKAGE, store, refused)
    PACKAGE.signature(store).write_bytes(b"another")
    assert is_stored(PACKAGE, store, {name_in(PACKAGE.signature(store), store): "0" * 64})


def test_a_signature_is_put_back_where_what_came_is_refused_too(store: Path) -> None:
    path = PACKAGE.signature(store)
    refused = {name_in(path, store): digest_of(path)}
    old = read_refused(PACKAGE, store, refused)
    assert old == path.read_bytes()
    path.write_bytes(b"better")
    assert read_refused(PACKAGE, store, refused) is None
    put_back(PACKAGE, store, old, refused)
    assert path.read_bytes() == b"better"
    put_back(PACKAGE, store, old, {name_in(path, store): digest_of(path)})
    assert path.read_bytes() == old


def test_what_is_gone_meanwhile_has_no_digest(store: Path) -> None:
    path = PACKAGE.signature(store)
    path.unlink()
    assert digest_of(path) == ""
    assert read_refused(PACKAGE, store, {name_in(path, store): ""}) is None
    path.mkdir()
    assert digest_of(path) == ""
