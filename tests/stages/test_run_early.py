"""The packages that are tried early are told from others by their names."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aimager.model.build import MirrorChoice
from aimager.model.distro import Keyring
from aimager.model.lock import UNSIGNED, Lock, LockedPackage, write_lock
from aimager.packages.keyring_memory import Memory
from aimager.sandbox.results import Results
from aimager.stages import run_early
from aimager.stages.run_early import RunEarly
from tests.support.locked import make_package
from tests.support.openpgp_maker import signature_of
from tests.support.platform_databases import PLATFORM, package, workshop, write

KERNELS = (
    *("linux", "linux-lts", "linux-zen", "linux-hardened", "linux-rt-lts", "linux-aarch64"),
    *("linux-armv7", "linux-rpi", "linux-rpi-16k", "linux-odroid", "linux-cachyos"),
)
"""Of the real repositories (real/), and of such that people add."""

OTHERS = (
    *("linux-firmware", "linux-firmware-intel", "linux-lts-headers", "linux-headers"),
    *("linux-docs", "linux-api-headers", "util-linux", "archlinux-keyring", "bash", "syslinux"),
)

PROGRAMS = tuple(map(make_package, ("glibc", "kmod", "pacman")))


@pytest.fixture(autouse=True)
def worker(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the worker is asked for, with all that it may see; it does it in no time."""
    asked: list[dict[str, Any]] = []

    def index(_: object, indexing: Any, **how: Any) -> None:
        asked.append({"packages": [p.name for p in indexing.packages], **how})
        (made,) = how["products"]
        made.parent.mkdir(parents=True, exist_ok=True)
        for key in indexing.keys:
            Results(None, made).keep(key, {})

    monkeypatch.setattr(run_early, "call", index)
    return asked


def lock_of(path: Path, *packages: LockedPackage) -> Path:
    """A lock of these packages."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(write_lock(Lock("p", (), packages)))
    return path


def stage(folder: Path, *packages: LockedPackage, **changes: Any) -> RunEarly:
    """The stage for a lock of these packages, which are those that are asked for."""
    made = RunEarly(
        platform=PLATFORM,
        names=tuple(package.name for package in packages),
        databases=None,
        lock=lock_of(folder / "lock", *packages),
        keyrings=(Keyring("own", "own-keyring", ()),),
        keyring_lock=lock_of(folder / "keyring", make_package("own-keyring")),
        elsewhere=(((), lock_of(folder / "elsewhere", make_package("other-keyring"))),),
        lender_keyrings=(Keyring("lender", "lender-keyring", ()),),
        lender_keyring_lock=lock_of(folder / "lenders-keyring", make_package("lender-keyring")),
        lender_elsewhere=(),
        lender_lock=lock_of(folder / "lender/lock", *PROGRAMS),
        mirrors=MirrorChoice(),
        older=False,
        workshop=workshop(folder),
    )
    return replace(made, **changes)


def test_kernels_are_taken(tmp_path: Path, worker: list[dict[str, Any]]) -> None:
    packages = [make_package(name) for name in (*KERNELS, *OTHERS, "kmod")]
    made = stage(tmp_path, *packages)
    assert made.kernels == KERNELS
    made.run()
    assert [asked["packages"] for asked in worker] == [[*KERNELS, "kmod"]]


@pytest.mark.parametrize("names", [OTHERS, ("kmod",), ()])
def test_without_a_kernel_there_is_nothing_to_do(tmp_path: Path, names: tuple[str, ...]) -> None:
    made = stage(tmp_path, *map(make_package, names))
    assert made.kernels == ()
    assert made.id == ""


def test_other_kernels_or_programs_are_other_work(tmp_path: Path) -> None:
    made = stage(tmp_path, make_package("linux"))
    others = lock_of(tmp_path / "other/lock", *PROGRAMS)
    ids = {
        made.id,
        replace(made, names=("linux", "linux-lts")).id,
        replace(made, lender_lock=others).id,
    }
    assert len(ids) == 3
    assert replace(made, names=("bash", "linux")).id == made.id


@pytest.mark.parametrize("kernel", ["linux", "linux-own"])
def test_what_nobody_signed_or_nobody_asked_for_is_left_alone(
    tmp_path: Path, worker: list[dict[str, Any]], kernel: str
) -> None:
    own = replace(make_package("linux-own"), repository=UNSIGNED)
    stage(tmp_path, own, make_package("linux"), make_package("kmod"), names=(kernel,)).run()
    assert [asked["packages"] for asked in worker] == [["linux", "kmod"]] * (kernel == "linux")


def test_it_is_done_once(tmp_path: Path, worker: list[dict[str, Any]]) -> None:
    """That it was done is remembered, of these very packages and programs."""
    linux, kmod = make_package("linux"), make_package("kmod")
    for packages in ((linux, kmod), (linux, kmod, make_package("bash"))):
        made = stage(tmp_path, *packages)
        assert bool(made.id) is (not worker)
        made.run()
        assert len(worker) == 1
    for count, changed in enumerate((linux, kmod), start=2):
        newer = replace(changed, sha256="f" * 64)
        stage(tmp_path, *(newer if one is changed else one for one in (linux, kmod))).run()
        assert len(worker) == count
    other = lock_of(tmp_path / "lender/other", replace(PROGRAMS[1], sha256="f" * 64))
    for _ in range(2):
        stage(tmp_path, linux, kmod, lender_lock=other).run()
        assert len(worker) == 4


def test_one_more_kernel_is_indexed_alone(tmp_path: Path, worker: list[dict[str, Any]]) -> None:
    linux, lts, kmod = map(make_package, ("linux", "linux-lts", "kmod"))
    stage(tmp_path, linux, kmod).run()
    stage(tmp_path, linux, lts, kmod).run()
    stage(tmp_path, lts, kmod).run()
    assert [asked["packages"] for asked in worker] == [["linux", "kmod"], ["linux-lts", "kmod"]]


def test_the_worker_sees_what_it_needs(tmp_path: Path, worker: list[dict[str, Any]]) -> None:
    made = stage(tmp_path, make_package("linux"), make_package("kmod"))
    made.run()
    (asked,) = worker
    seen = {str(path.relative_to(tmp_path)) for path in asked["reads"] if path.suffix != ".sig"}
    locks = {"lock", "keyring", "elsewhere", "lenders-keyring", "lender/lock"}
    names = ("linux", "kmod", "glibc", "own-keyring", "other-keyring", "lender-keyring")
    packages = {str(make_package(name).path(Path("cache/pkg"))) for name in names}
    assert seen == {*locks, *packages, "cache/product/hook-results/all"}


def store_all(made: RunEarly, names: tuple[str, ...]) -> None:
    """Put the packages of these names, whose content is that, into the store."""
    for name in names:
        content = name.encode()
        stored = make_package(name, version="1-1", file=f"{name}-1-1-x86_64.pkg.tar.zst")
        path = stored.path(made.workshop.store)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        stored.signature(made.workshop.store).write_bytes(signature_of(content))


def test_without_a_lock_kernels_are_of_the_databases(
    tmp_path: Path, worker: list[dict[str, Any]]
) -> None:
    """They alone, and such as the databases have; what is in the store is not fetched again."""
    names = ("linux", "kmod", "bash", "linux-headers")
    found = {name: package(name, "bash", content=name.encode()) for name in names}
    databases = write(tmp_path / "databases.tar", **found)
    made = stage(tmp_path, lock=None, databases=databases, names=("linux", "linux-lts", "bash"))
    store_all(made, names[:2])
    made.run()
    assert [asked["packages"] for asked in worker] == [["linux", "kmod"]]
    made.run()
    assert len(worker) == 1


def test_the_locale_goes_with_a_kernel_and_is_tried_once(
    tmp_path: Path, worker: list[dict[str, Any]]
) -> None:
    linux, lts, glibc, kmod = map(make_package, ("linux", "linux-lts", "glibc", "kmod"))
    stage(tmp_path, linux, glibc, kmod).run()
    stage(tmp_path, linux, lts, glibc, kmod).run()
    assert [asked["packages"] for asked in worker] == [
        ["linux", "glibc", "kmod"],
        ["linux-lts", "kmod"],
    ]


def test_both_are_verified_by_the_keyrings_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def verify(keyrings: Any, lock: Lock, packages: Any, *how: Any, quiet: bool) -> None:
        named = (named.name for named in (*keyrings, *lock.packages, *packages))
        seen.append((list(named), len(how[-1]), quiet))

    monkeypatch.setattr(run_early, "verify_without_gpg", verify)
    linux = make_package("linux")
    stage(tmp_path, linux).verify([linux], Memory())
    assert seen == [
        (["own", "own-keyring", "linux"], 1, True),
        (["lender", "lender-keyring", "glibc", "kmod"], 0, True),
    ]
