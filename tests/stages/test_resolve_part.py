"""The part of a lock that is a board's, whatever else was resolved with it."""

from pathlib import Path

import pytest

from aimager.errors import ConfigError
from aimager.model.lock import Lock, read_lock, write_lock
from aimager.packages.database_archive import read_packages
from aimager.stages.resolve_part import ResolvePart
from tests.support.platform_databases import package, workshop, write


def part(tmp_path: Path, whole: tuple[str, ...], *packages: str, **more: object) -> Lock:
    """What is resolved of these ``packages`` within a lock of ``whole``."""
    databases = write(
        tmp_path / "databases.tar",
        kernel=package("kernel", "initramfs", "libz.so=2"),
        booster=package("booster", "lib", provides=("initramfs",)),
        maker=package("maker", provides=("initramfs",)),
        lib=package("lib", provides=("libz.so=1",)),
        newer=package("newer", provides=("libz.so=2",)),
        editor=package("editor", "lib"),
        tools=package("tools"),
    )
    known = read_packages(databases)
    locked = tuple(known[name].locked for name in sorted(whole))
    (tmp_path / "whole.json").write_text(write_lock(Lock("p", whole, locked)))
    stage = ResolvePart(
        databases=databases,
        whole=tmp_path / "whole.json",
        packages=packages,
        target=tmp_path / "cache/work/run/view/lock.json",
        workshop=workshop(tmp_path),
        **more,  # type: ignore[arg-type]
    )
    stage.run()
    made = stage.target.read_bytes()
    stage.predict()
    assert stage.target.read_bytes() == made
    return read_lock(stage.target)


def names(lock: Lock) -> list[str]:
    return [package.name for package in lock.packages]


def test_what_is_asked_for_beside_it_is_left_out(tmp_path: Path) -> None:
    whole = ("kernel", "booster", "lib", "newer", "editor", "tools")
    lock = part(tmp_path, whole, "kernel", initramfs="booster", welcome=("tools", "unknown"))
    assert names(lock) == ["booster", "kernel", "lib", "newer", "tools"]
    assert lock.requested == ("booster", "kernel", "tools")
    assert lock.platform == "p"


def test_another_maker_was_chosen(tmp_path: Path) -> None:
    lock = part(
        tmp_path, ("kernel", "maker", "newer", "editor", "lib"), "kernel", initramfs="booster"
    )
    assert names(lock) == ["kernel", "maker", "newer"], "lib gives the other libz.so"
    assert lock.requested == ("kernel",)


def test_a_database_of_another_time(tmp_path: Path) -> None:
    part(tmp_path, ("lib",), "lib")
    stage = ResolvePart(
        databases=write(tmp_path / "later.tar", lib=package("lib", version="2-1")),
        whole=tmp_path / "whole.json",
        packages=("lib",),
        target=tmp_path / "lock.json",
        workshop=workshop(tmp_path),
    )
    with pytest.raises(ConfigError, match="the databases do not tell of lib"):
        stage.predict()
