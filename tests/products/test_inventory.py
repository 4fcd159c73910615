"""What the cache holds is counted as the disk does, and told by kind."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from aimager.model.lock import Lock, LockedPackage, write_lock
from aimager.products import inventory as cache_contents
from aimager.products.inventory import (
    Item,
    disk_usage,
    disk_usages,
    list_packages,
    list_products,
    locked_packages,
    table,
)
from aimager.products.record import RECORD, Record
from tests.products.test_record import make_record
from tests.support.locked import make_package

MIB = 1 << 20


def keep(products: Path, name: str, used: float, *packages: LockedPackage) -> Path:
    """A kept product, ``TASK/SUBJECT/ID``, last used at ``used``, that may be a lock."""
    folder = products / name
    record = make_record(folder, id=folder.name, task=folder.parents[1].name)
    assert isinstance(record, Record)
    if packages:
        (folder / "lock.json").write_text(write_lock(Lock("p", (), packages)))
    os.utime(folder / RECORD, (used, used))
    return folder


def fetch(store: Path, package: LockedPackage, used: float, size: int = 5000) -> Path:
    """A package in the store, fetched at ``used``."""
    path = package.path(store)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x" * size)
    path.with_name(f"{path.name}.sig").touch()
    os.utime(path.parent, (used, used))
    return path.parent


def test_products_are_listed_by_task(tmp_path: Path) -> None:
    zlib = make_package("zlib")
    folders = [keep(tmp_path, "make/x/a", 5), keep(tmp_path, "resolve/y/b", 7, zlib)]
    (tmp_path / "make/x/.c.unfinished").mkdir()
    (tmp_path / "make/x/.c.unfinished" / RECORD).touch()
    (tmp_path / "make/x/.a.lock").touch()
    (tmp_path / "make/x/empty").mkdir()
    found = list_products(tmp_path)
    assert [(i.kind, i.folder, i.used) for i in found] == [
        ("make", folders[0], 5),
        ("resolve", folders[1], 7),
    ]
    assert [i.packages for i in found] == [frozenset(), {zlib.sha256}]
    assert all(item.size == disk_usage(item.folder) > 0 for item in found)


def test_there_may_be_nothing(tmp_path: Path) -> None:
    assert list_products(tmp_path / "gone") == []
    assert list_packages(tmp_path / "gone", []) == []
    assert disk_usage(tmp_path / "gone") == 0
    assert table([], {"logs": tmp_path / "gone"})[-1].split() == ["total", "0", "0", "B"]


def test_a_package_was_used_when_the_last_lock_was_that_names_it(tmp_path: Path) -> None:
    zlib, bash, less = (make_package(name) for name in ("zlib", "bash", "less"))
    for package, used in ((zlib, 3), (bash, 30), (less, 4)):
        fetch(tmp_path / "pkg", package, used)
    for name, at, *packages in (("a", 10, zlib, bash), ("b", 20, zlib, bash)):
        keep(tmp_path / "product", f"resolve/x/{name}", at, *packages)
    items = list_packages(tmp_path / "pkg", list_products(tmp_path / "product"))
    assert {item.folder.name: item.used for item in items} == {
        zlib.sha256: 20,
        bash.sha256: 30,
        less.sha256: 4,
    }
    assert {item.kind for item in items} == {cache_contents.PACKAGES}


def test_locks_that_cannot_be_read_name_nothing(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("lock", "garbage", "missing")]
    paths[0].write_text(write_lock(Lock("p", (), (make_package("zlib"),))))
    paths[1].write_bytes(b"\xff{")
    assert locked_packages(paths) == {make_package("zlib").sha256}
    assert locked_packages(paths[1:]) == frozenset()


def test_sizes_are_those_on_the_disk(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as stream:
        stream.truncate(100 * MIB)
        stream.write(b"x")
    assert 0 < disk_usage(tmp_path) < MIB
    (tmp_path / "data").write_bytes(b"x" * MIB)
    once = disk_usage(tmp_path)
    assert once >= MIB
    (tmp_path / "second").hardlink_to(tmp_path / "data")
    (tmp_path / "link").symlink_to(tmp_path / "data")
    assert disk_usage(tmp_path) - once < MIB / 2


def test_a_file_in_two_folders_is_counted_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "a/data").write_bytes(b"x" * MIB)
    (tmp_path / "b/data").hardlink_to(tmp_path / "a/data")
    folders = [tmp_path / "a", tmp_path / "b"]
    assert disk_usages(folders) == disk_usage(folders[0]) == disk_usage(folders[1])


def test_what_goes_while_it_is_counted_counts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build that fetches gives its files other names all the time."""
    (tmp_path / "whole").write_bytes(b"x")
    there = disk_usage(tmp_path)
    walks: list[tuple[str, list[str], list[str]]] = [(str(tmp_path), [], ["part", "whole"])]
    monkeypatch.setattr(os, "walk", lambda _: iter(walks))
    assert disk_usage(tmp_path) == there > 0


def test_the_table(tmp_path: Path) -> None:
    items = [
        Item("make", tmp_path / "a", 0, 1_000_000_000),
        Item("make", tmp_path / "b", 0, 1_100_000_000),
        Item("packages", tmp_path / "c", 0, 1_050_000_000),
    ]
    for name, size in (("a", 1_000_000), ("b", 2_000_000), ("c", 0), ("log", 40_960)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(b"x" * size)
    lines = table(items, {"logs": tmp_path / "log", "mirror": tmp_path / "gone"})
    assert [line.split()[0] for line in lines] == ["kind", "make", "packages", "logs", "total"]
    moment = datetime.fromtimestamp(1_100_000_000).strftime("%Y-%m-%d %H:%M")
    assert lines[1].split() == ["make", "2", "3.0", "MB", *moment.split()]
    assert lines[-1].split() == ["total", "4", "3.0", "MB"]
    assert len({line.index("B") for line in lines[1:]}) == 1


def test_a_link_that_leads_nowhere_is_no_harm(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    assert table([], {"logs": tmp_path})[1].startswith("logs ")
