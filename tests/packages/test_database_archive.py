"""A platform's databases are kept in one archive, and read out of it."""

import gzip
import lzma
from collections.abc import Sequence
from pathlib import Path

import pytest

from aimager.errors import DownloadError
from aimager.files import take_if_other
from aimager.packages.database_archive import (
    KeptDatabase,
    fill_archive,
    lay_databases,
    read_packages,
)
from tests.packages.test_sync_database import BIG, TAR, desc_text, tar_of
from tests.support.platform_databases import names_in


def write_databases(databases: Sequence[KeptDatabase], target: Path) -> None:
    """As the task does: where nothing changed, the archive stays."""
    new = target.with_name("new")
    try:
        fill_archive(databases, new)
        take_if_other(new, target)
    finally:
        new.unlink(missing_ok=True)


def kept(folder: Path, **databases: bytes) -> list[KeptDatabase]:
    """Databases in files."""
    folder.mkdir(exist_ok=True)
    files = [KeptDatabase(name, folder / f"{name}.db") for name in databases]
    for file, data in zip(files, databases.values(), strict=True):
        file.path.write_bytes(data)
    return files


def test_the_first_repository_wins(tmp_path: Path) -> None:
    core = tar_of(zlib=desc_text(), bad=desc_text(NAME=["bad"], CSIZE=["x"]))
    extra = tar_of(
        zlib=desc_text(VERSION=["9-1"]),
        vim=desc_text(NAME=["vim"]),
        bad=desc_text(NAME=["bad"]),
    )
    archive = tmp_path / "a.tar"
    write_databases(kept(tmp_path / "sync", core=core, extra=extra), archive)
    packages = read_packages(archive)
    assert {p.locked.name: p.locked.repository for p in packages.values()} == {
        "zlib": "core",
        "vim": "extra",
    }
    assert packages["zlib"].locked.version == "1:1.3-1"
    assert list(packages.faults) == ["bad"]  # and not the package of a later repository


def test_databases_are_kept_and_read_back_in_order(tmp_path: Path) -> None:
    target, folder = tmp_path / "sync.tar", tmp_path / "laid"
    databases = kept(tmp_path / "sync", extra=gzip.compress(TAR), core=lzma.compress(BIG))
    write_databases(databases, target)
    assert names_in(target) == ("extra", "core")
    folder.mkdir()
    assert lay_databases(target, folder) == ("extra", "core")
    assert (folder / "extra.db").read_bytes() == TAR
    assert (folder / "core.db").read_bytes() == BIG


def test_the_archive_changes_only_when_a_database_does(tmp_path: Path) -> None:
    target, other, folder = tmp_path / "a.tar", tmp_path / "b.tar", tmp_path / "sync"
    write_databases(kept(folder, core=gzip.compress(TAR, mtime=1)), target)
    before = target.stat()
    write_databases(kept(folder, core=gzip.compress(TAR, mtime=2)), target)
    assert target.stat().st_mtime_ns == before.st_mtime_ns
    assert target.stat().st_ino == before.st_ino
    write_databases(kept(folder, core=TAR), other)
    assert other.read_bytes() == target.read_bytes()
    write_databases(kept(folder, core=BIG), target)
    assert other.read_bytes() != target.read_bytes()


def test_a_damaged_database_is_not_kept(tmp_path: Path) -> None:
    databases = kept(tmp_path / "sync", core=gzip.compress(BIG)[:-100])
    with pytest.raises(DownloadError, match=r"core\.db is not a sync database: \S"):
        write_databases(databases, tmp_path / "a.tar")
    assert [path.name for path in tmp_path.iterdir()] == ["sync"]


def test_packages_are_read_once_as_long_as_the_archive_is_the_same(tmp_path: Path) -> None:
    archive = tmp_path / "databases.tar"
    write_databases(kept(tmp_path / "sync", core=tar_of(zlib=desc_text())), archive)
    known = read_packages(archive)
    assert read_packages(archive) is known
    assert set(known) == {"zlib"}
    write_databases(kept(tmp_path / "sync", core=tar_of()), archive)
    assert read_packages(archive) == {}
