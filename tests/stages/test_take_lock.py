"""A lock that is taken out of the user's lock file is the one that was resolved."""

from pathlib import Path

import pytest

from aimager.errors import ConfigError
from aimager.model.lock import Lock, write_lock
from aimager.packages.lock_file import LockedBuild, format_lock_file, join_locks
from aimager.stages.take_lock import TakeLock
from tests.support.locked import make_package, make_workshop

LOCK = Lock("x-y", ("base",), (make_package("base"), make_package("glibc")))


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    path = tmp_path / "image.lock"
    other = Lock("x-y", (), (make_package("glibc"),))
    file = join_locks(
        {"x-y.rootfs": LOCK, "x-y.keyring": other}, LockedBuild("x", "y", "z", (), "h", "")
    )
    path.write_text(format_lock_file(file))
    return path


def take(lock_file: Path, subject: str) -> Path:
    """Take it, and return where it lies."""
    folder = lock_file.parent
    target = folder / "lock" / f"{subject}.json"
    TakeLock(lock_file, subject, target, workshop=make_workshop(folder)).run()
    return target


def test_its_bytes_are_those_that_were_resolved(lock_file: Path) -> None:
    target = take(lock_file, "x-y.rootfs")
    assert target.read_text() == write_lock(LOCK)
    before = target.stat()
    take(lock_file, "x-y.rootfs")
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_it_does_not_hold_is_named(lock_file: Path) -> None:
    with pytest.raises(ConfigError, match=r"^the lock file holds no h\.borrowed: "):
        take(lock_file, "h.borrowed")
    assert not (lock_file.parent / "lock").exists()
