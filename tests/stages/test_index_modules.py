"""The packages whose modules are indexed ahead are told from others by their names."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aimager.model.lock import UNSIGNED, Lock, LockedPackage, write_lock
from aimager.sandbox.results import Results
from aimager.stages import index_modules
from aimager.stages.index_modules import IndexModules
from tests.support.locked import make_package, make_workshop

KERNELS = (
    *("linux", "linux-lts", "linux-zen", "linux-hardened", "linux-rt-lts", "linux-aarch64"),
    *("linux-armv7", "linux-rpi", "linux-rpi-16k", "linux-odroid", "linux-cachyos"),
)
"""Of the real repositories (real/), and of such that people add."""

OTHERS = (
    *("linux-firmware", "linux-firmware-intel", "linux-lts-headers", "linux-headers"),
    *("linux-docs", "linux-api-headers", "util-linux", "archlinux-keyring", "bash", "syslinux"),
)


def stage(folder: Path, *packages: LockedPackage) -> IndexModules:
    """The stage for a lock of these packages."""
    (folder / "lock").write_text(write_lock(Lock("p", (), packages)))
    return IndexModules(
        lock=folder / "lock",
        keys=folder / "keys",
        borrowed=folder / "borrowed.tar",
        workshop=make_workshop(folder),
    )


def test_kernels_are_taken(tmp_path: Path) -> None:
    packages = [make_package(name) for name in (*KERNELS, *OTHERS, "kmod")]
    found = [package.name for package in stage(tmp_path, *packages).packages]
    assert found == [*KERNELS, "kmod"]


@pytest.mark.parametrize("names", [OTHERS, ("kmod",), ()])
def test_without_a_kernel_there_is_nothing_to_do(tmp_path: Path, names: tuple[str, ...]) -> None:
    made = stage(tmp_path, *map(make_package, names))
    assert made.packages == ()
    assert made.id == ""


def test_what_nobody_signed_is_left_alone(tmp_path: Path) -> None:
    own = replace(make_package("linux-own"), repository=UNSIGNED)
    assert stage(tmp_path, own).id == ""


def test_another_kernel_is_other_work(tmp_path: Path) -> None:
    linux, kmod, bash = map(make_package, ("linux", "kmod", "bash"))
    newer = replace(linux, sha256="f" * 64)
    ids = [stage(tmp_path, *them).id for them in ((linux, kmod), (linux, kmod, bash))]
    assert ids[0] == ids[1]
    assert stage(tmp_path, newer, kmod).id not in ids
    assert stage(tmp_path, linux, replace(kmod, sha256="f" * 64)).id not in ids


def test_without_borrowed_programs_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert stage(tmp_path, make_package("linux")).id
    assert replace(stage(tmp_path, make_package("linux")), borrowed=None).id == ""


def test_it_is_done_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker sees what is remembered, and that it was done is remembered, too."""
    made = stage(tmp_path, make_package("linux"))
    (tmp_path / "borrowed.tar").touch()
    seen: list[Path] = []

    def worker(_: object, asked: Any, **how: Any) -> None:
        seen.extend(how["reads"])
        Results(None, how["products"][0]).keep(asked.key, {})

    monkeypatch.setattr(index_modules, "call", worker)
    made.run()
    assert made.workshop.cache / "product/hook-results/all" in seen
    assert made.id == ""
