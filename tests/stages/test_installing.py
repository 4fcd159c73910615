"""The stages that install packages differ in what they start from, and are otherwise the same."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aimager.model.architecture import Architecture
from aimager.model.lock import Lock, write_lock
from aimager.packages.local_database import InstalledPackage
from aimager.stages import installing
from aimager.stages.install_packages import InstallPackages
from aimager.stages.make_rootfs_archive import MakeRootfsArchive
from aimager.stages.reuse_root import ReuseRoot
from aimager.system.installation import Installation
from aimager.system.reused_root import ReusedRoot, write_reused
from tests.support.locked import make_package, make_workshop

BASE = Lock("p", ("bash",), (make_package("bash"),))
MORE = replace(BASE, packages=(*BASE.packages, make_package("zlib")))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Installation]:
    """What was asked of the installer, which does nothing."""
    requests: list[Installation] = []
    monkeypatch.setattr(installing, "install_system", requests.append)
    return requests


@pytest.fixture
def both(tmp_path: Path) -> dict[str, Any]:
    """What all stages that install are given."""
    (tmp_path / "base").write_text(write_lock(BASE))
    (tmp_path / "lock").write_text(write_lock(MORE))
    (tmp_path / "rootfs").write_text("an archive")
    return {
        "architecture": Architecture.riscv64,
        "lock": tmp_path / "lock",
        "keys": tmp_path / "keys",
        "borrowed": tmp_path / "borrowed",
        "target": tmp_path / "target",
        "epoch": 7,
        "keyring": tmp_path / "keyring",
        "pacman_static": tmp_path / "pacman",
        "workshop": make_workshop(tmp_path),
    }


def request(both: dict[str, Any], **more: Any) -> Installation:
    shop = both["workshop"]
    results = shop.cache / "product/hook-results/all"
    made = shop.work.with_name(f"{shop.work.name}.results")
    return Installation(**both, **more, results=results, made=made)


def test_a_base_system_starts_from_nothing(asked: list[Installation], both: dict[str, Any]) -> None:
    stage = MakeRootfsArchive(**both)
    stage.run()
    assert asked == [request(both)]
    assert stage.verified() == MORE.packages


def test_packages_are_added_to_the_base_system(
    asked: list[Installation], both: dict[str, Any], tmp_path: Path
) -> None:
    stage = InstallPackages(below=(tmp_path / "rootfs",), below_lock=tmp_path / "base", **both)
    stage.run()
    below = (tmp_path / "rootfs",)
    assert asked == [request(both, below=below, below_lock=tmp_path / "base", is_layer=True)]
    assert stage.verified() == MORE.packages[1:]


def test_nothing_to_add_leaves_the_base_system(
    asked: list[Installation], both: dict[str, Any], tmp_path: Path
) -> None:
    both["lock"] = tmp_path / "base"
    InstallPackages(below=(tmp_path / "rootfs",), below_lock=tmp_path / "base", **both).run()
    assert not asked
    assert (tmp_path / "target").read_bytes() == b"", "the layer that changes nothing"


@pytest.mark.parametrize(
    ("held", "told"), [(BASE, "1 package,"), (MORE, "2 packages,")], ids=["one", "two"]
)
def test_a_root_of_the_users_is_told_to_be_unverified(
    asked: list[Installation],
    both: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    held: Lock,
    told: str,
) -> None:
    packages = tuple(
        InstalledPackage(package.name, package.version, "", "", (), (), ())
        for package in held.packages
    )
    (tmp_path / "reused").write_text(write_reused(ReusedRoot("d" * 64, 1, packages)))
    stage = ReuseRoot(archive=tmp_path / "rootfs", reused=tmp_path / "reused", **both)
    stage.run()
    assert asked == [request(both, below=(tmp_path / "rootfs",), reused=tmp_path / "reused")]
    assert stage.verified() == MORE.packages[len(held.packages) :]
    assert capsys.readouterr().out == f"   NOT VERIFIED: rootfs with {told} taken as it is\n"
