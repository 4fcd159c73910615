"""What an update of the user's lock file brings is told, and how much there is to fetch for it."""

import dataclasses
from pathlib import Path
from typing import Any

from aimager.model.lock import Lock, LockedPackage
from aimager.packages.lock_file import LockFile, join_locks
from aimager.packages.lock_file_changes import changes, download_size, package_changes
from tests.packages.test_lock_file import BUILD, FILE, GLIBC, KEYS, PACMAN, VIM, A, X


def with_packages(platform: str, *packages: LockedPackage, **others: Any) -> LockFile:
    """A lock file of these packages on a platform."""
    lock = Lock(platform, (), tuple(sorted(packages)))
    return join_locks({platform: lock, **others}, BUILD)


def test_versions_that_changed() -> None:
    old = {"a": "1-1", "b": "1-1", "c": "1-1", "e": "1:1-1"}
    new = {"a": "1-1", "b": "1-2", "d": "2-1", "e": "2-1"}
    assert package_changes(old, new) == [
        "b 1-1 -> 1-2",
        "c 1-1 removed",
        "d 2-1 added",
        "e 1:1-1 -> 2-1",
    ]
    assert package_changes(old, old) == []


def test_changes() -> None:
    assert changes(FILE, FILE) == []
    old = with_packages(A, KEYS, GLIBC, VIM)
    new = with_packages(
        A,
        dataclasses.replace(GLIBC, version="1.1-1", sha256="0" * 64),
        dataclasses.replace(VIM, sha256="0" * 64),
        PACMAN,
    )
    assert changes(old, new) == [
        "glibc 1.0-1 -> 1.1-1",
        "keyring 1.0-1 removed",
        "pacman 1.0-1 added",
        "vim 1.0-1 rebuilt",
    ]


def test_a_package_that_moved_to_another_repository_did_not_change() -> None:
    moved = dataclasses.replace(VIM, repository="core")
    assert changes(with_packages(A, VIM), with_packages(A, moved)) == []


def test_what_became_of_a_package_is_told_once() -> None:
    newer = dataclasses.replace(GLIBC, version="1.1-1")
    newest = dataclasses.replace(GLIBC, version="1.2-1")
    old = with_packages(A, GLIBC, VIM, x=Lock(X, (), (GLIBC, PACMAN)))
    new = with_packages(A, newer, x=Lock(X, (), (newer,)))
    others = ["pacman 1.0-1 removed", "vim 1.0-1 removed"]
    assert changes(old, new) == ["glibc 1.0-1 -> 1.1-1", *others]
    new = with_packages(A, newer, x=Lock(X, (), (newest,)))
    assert changes(old, new) == [
        f"{X}: glibc 1.0-1 -> 1.2-1",
        f"{A}: glibc 1.0-1 -> 1.1-1",
        *others,
    ]


def test_what_has_to_be_fetched(tmp_path: Path) -> None:
    both = with_packages(A, GLIBC, VIM, x=Lock(X, (), (GLIBC, PACMAN)))
    assert download_size(both, tmp_path) == 3000
    path = GLIBC.path(tmp_path)
    path.parent.mkdir(parents=True)
    path.touch()
    assert download_size(both, tmp_path) == 2000
