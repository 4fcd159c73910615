"""Where products lie: apart from one another, and all in the cache but what was asked for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aimager import artifacts
from aimager.architecture import Architecture
from aimager.board import Board
from aimager.build import Build, Product
from aimager.distro import Platform
from aimager.distros.archlinux import DISTRO
from aimager.setup import Setup

PLATFORM = Platform(DISTRO, Architecture.x86_64)
BUILD = Build(Board("pc", "PC"), PLATFORM, (Product.disk,), Path("/out"), Setup("pc"))


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "CACHE", Path("/cache"))


def test_paths() -> None:
    paths = {
        "doit.json": artifacts.doit_state(),
        "mirror.json": artifacts.doit_state("mirror"),
        "log/a:b.log": artifacts.log("a:b"),
        "pkg": artifacts.store(),
        "sync/archlinux-x86_64": artifacts.downloads(PLATFORM.id),
        "sync/archlinux-x86_64.tar": artifacts.sync_databases(PLATFORM),
        "tools/pacman-static.tar": artifacts.pacman_static(),
        "lock/x.json": artifacts.lock("x"),
        "lock/x.fetched": artifacts.fetched("x"),
        "keyring/archlinux-x86_64.secret.tar": artifacts.keyring(PLATFORM),
        "keyring/archlinux-x86_64.tar.zst": artifacts.keyring_backup(PLATFORM),
        "rootfs/archlinux-x86_64.tar.zst": artifacts.rootfs_archive(PLATFORM),
        "rootfs/archlinux-x86_64.borrowed.tar": artifacts.borrowed_archive(PLATFORM),
        "system/archlinux-x86_64-pc.tar.zst": artifacts.system_archive(BUILD),
        "mirror": artifacts.mirror(),
        "mirror.work": artifacts.mirror_work(),
    }
    assert {name: Path("/cache") / name for name in paths} == paths


def test_products_lie_where_the_user_said() -> None:
    path = artifacts.product(BUILD, Product.disk)
    assert path == Path("/out/archlinux-x86_64-pc/disk.img")


def test_a_workshop_is_the_tasks_own() -> None:
    one = artifacts.workshop("pack-image", BUILD.id)
    assert one.cache == Path("/cache")
    assert one.store == Path("/cache/pkg")
    assert one.log == Path("/cache/log/pack-image:archlinux-x86_64-pc.log")
    assert one.work == Path("/cache/work/pack-image.archlinux-x86_64-pc")
    assert ":" not in str(one.work)
    assert artifacts.workshop("pack-image", "x").work != one.work


@pytest.mark.parametrize(("value", "folder"), [("elsewhere", "elsewhere"), ("", "cache")])
def test_the_cache_may_lie_elsewhere(tmp_path: Path, value: str, folder: str) -> None:
    environment = {
        **os.environ,
        "AIMAGER_CACHE": value,
        "PYTHONPATH": str(Path(artifacts.__file__).parent.parent),
    }
    argv = [sys.executable, "-c", "from aimager.artifacts import CACHE; print(CACHE)"]
    said = subprocess.run(argv, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, check=True)
    assert said.stdout.decode() == f"{tmp_path / folder}\n"
