"""Where products lie: apart from one another, and all in the cache but what was asked for."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.distros.archlinux import DISTRO
from aimager.graph import artifacts
from aimager.model.architecture import Architecture
from aimager.model.board import Board
from aimager.model.build import Build
from aimager.model.distro import Keyring, Mirrors, Platform, ThirdPartyRepository
from aimager.model.product import Product
from aimager.model.settings import Settings
from tests.support.places import ROOT

PLATFORM = Platform(DISTRO, Architecture.x86_64)
BUILD = Build(Board("pc", "PC"), PLATFORM, (Product.disk,), Path("/out"), Settings("pc"))


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "CACHE", Path("/cache"))


def test_paths() -> None:
    paths = {
        "log/a:b.log": artifacts.log("a:b"),
        "pkg": artifacts.store(),
        "product": artifacts.products(),
        "product/make/x": artifacts.kept("make", "x").folder,
        "sync/archlinux-x86_64": artifacts.downloads(PLATFORM.id),
        "sync/archlinux-x86_64.bb198d2df145c084.tar": artifacts.kept_databases(PLATFORM),
        "mirror": artifacts.mirror(),
        "mirror.work": artifacts.mirror_work(),
    }
    assert {name: Path("/cache") / name for name in paths} == paths


def test_databases_of_other_repositories_are_kept_apart() -> None:
    own = ThirdPartyRepository(
        "mine",
        (Architecture.x86_64,),
        Mirrors(path="", url="http://a.example/$arch"),
        Keyring("mine", "mine-keyring", ()),
    )
    moved = replace(own, mirrors=Mirrors(path="", url="http://b.example/$arch"))
    platforms = [
        PLATFORM,
        replace(PLATFORM, distro=replace(DISTRO, base_repositories=("base", "extra"))),
        replace(PLATFORM, distro=replace(DISTRO, base_repositories=("core",))),
        replace(PLATFORM, repositories=(own,)),
        replace(PLATFORM, repositories=(moved,)),
    ]
    paths = {artifacts.kept_databases(platform) for platform in platforms}
    assert len(paths) == len(platforms)
    assert {path.suffix for path in paths} == {".tar"}


def test_products_are_seen_in_the_runs_own_folder() -> None:
    platform, build = "archlinux-x86_64", "archlinux-x86_64-pc"
    paths = {
        f"sync-databases/{platform}/databases.tar": artifacts.sync_databases(PLATFORM),
        "fetch-pacman-static/x86_64/pacman-static.tar": artifacts.pacman_static("x86_64"),
        "resolve-packages/x/lock.json": artifacts.lock("x"),
        "fetch-packages/x/lock.json": artifacts.fetched("x"),
        f"keyring-init/{platform}/keyring.secret.tar": artifacts.keyring(PLATFORM),
        f"keyring-init/{platform}/keys.tar": artifacts.keys(PLATFORM),
        f"keyring-backup/{platform}/keyring.tar": artifacts.keyring_backup(PLATFORM),
        f"make-rootfs-archive/{platform}/rootfs.tar.zst": artifacts.rootfs_archive(PLATFORM),
        f"check-root-archive/{platform}/root.json": artifacts.reused_root(PLATFORM),
        f"make-rootfs-archive/{platform}.borrowed/borrowed.tar": artifacts.borrowed_archive(
            f"{platform}.borrowed"
        ),
        f"install-packages/{build}/layer.tar.zst": artifacts.system_layer(build),
        f"pack-image/{build}/disk.img": artifacts.packed(BUILD)[0],
    }
    assert {name: artifacts.RUN / "view" / name for name in paths} == paths
    for name, path in paths.items():
        task, subject, _ = name.split("/")
        assert artifacts.maker(path) == f"{task}:{subject}"
        assert artifacts.kept(task, subject).view == path.parent


def test_what_no_task_makes() -> None:
    for path in (Path("/x/y/z"), artifacts.store() / "a/b/c", artifacts.kept("a", "b").folder):
        assert artifacts.maker(path) is None


def test_each_run_has_a_folder_of_its_own() -> None:
    said = {subprocess.check_output(print_of("RUN")) for _ in range(2)}
    assert len(said) == 2
    assert artifacts.RUN.name.startswith(f"{os.getpid()}-")
    assert artifacts.runs() == artifacts.RUN.parent


def test_products_lie_where_the_user_said() -> None:
    path = artifacts.product(BUILD, Product.disk)
    assert path == Path("/out/archlinux-x86_64-pc/disk.img")
    results = artifacts.results(BUILD)
    assert path in results
    assert {result.parent for result in results} == {path.parent}
    assert [result.name for result in results] == list(BUILD.results)


def test_what_is_brought_is_remembered_for_each_folder() -> None:
    memories = set()
    for out in ("/out", "/other", "relative"):
        delivery = artifacts.delivery(replace(BUILD, out=Path(out)))
        assert delivery.folder == Path(out, "archlinux-x86_64-pc")
        assert delivery.memory.parent == Path("/cache/delivered")
        memories.add(delivery.memory)
    assert len(memories) == 3


def test_a_workshop_is_the_tasks_own() -> None:
    one = artifacts.workshop("pack-image", BUILD.id)
    assert one.cache == Path("/cache")
    assert one.store == Path("/cache/pkg")
    assert one.log == Path("/cache/log/pack-image:archlinux-x86_64-pc.log")
    assert one.work == artifacts.RUN / "pack-image.archlinux-x86_64-pc"
    assert ":" not in str(one.work)
    assert artifacts.workshop("pack-image", "x").work != one.work


def print_of(name: str) -> list[str]:
    """The command line that prints one of the module's values."""
    return [sys.executable, "-c", f"from aimager.graph import artifacts; print(artifacts.{name})"]


@pytest.mark.parametrize(("value", "folder"), [("elsewhere", "elsewhere"), ("", "cache")])
def test_the_cache_may_lie_elsewhere(tmp_path: Path, value: str, folder: str) -> None:
    environment = {
        **os.environ,
        "AIMAGER_CACHE": value,
        "PYTHONPATH": str(ROOT),
    }
    said = subprocess.run(
        print_of("CACHE"), cwd=tmp_path, env=environment, stdout=subprocess.PIPE, check=True
    )
    assert said.stdout.decode() == f"{tmp_path / folder}\n"
