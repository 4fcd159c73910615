"""A lock file knows the level of its architecture, and the order of its repositories."""

import json
from pathlib import Path

import pytest

from aimager.errors import ConfigError
from aimager.model.lock import Lock
from aimager.packages import lock_file as lockfile
from aimager.packages.lock_file import LockedBuild, join_locks
from tests.packages.test_lock_file import X, build_of, write
from tests.support.locked import make_package


def test_packages_of_another_level_are_refused_before_anything_is_fetched() -> None:
    words = {"distro": "archlinux", "board": "none"}
    newer = make_package("linux-v3", architecture="x86_64_v3", repository="mine")
    build = build_of(**words)
    names = (*build.installs, "linux-v3")
    packages = (newer, *(make_package(name) for name in build.installs))
    locked = LockedBuild("archlinux", "x86_64", "none", (), X, "")
    file = join_locks({build.id: Lock(X, names, packages)}, locked)
    with pytest.raises(ConfigError) as caught:
        lockfile.check_build(build, file)
    assert caught.value.message == (
        "the package linux-v3 1.0-1, of the repository mine, is for x86_64_v3, and the build for"
        " x86_64"
    )
    assert caught.value.hint == "arch=x86_64_v3 has the image take such packages"
    lockfile.check_build(build_of(**words, arch="x86_64_v4"), file)


def test_a_lock_file_knows_the_level_and_the_order(tmp_path: Path) -> None:
    words = {
        "repos_first": "7Ji",
        "repos_for_build": "7Ji",
        "add_repos": "7Ji",
        "arch": "x86-64-v2",
    }
    made = build_of(distro="archlinux", **words)
    locked = LockedBuild(
        *("archlinux", "x86_64", "none", (), X, ""),
        add_repos=("7Ji",),
        level="x86_64_v2",
        repos_first=("7Ji",),
        repos_for_build=("7Ji",),
    )
    file = write(tmp_path / "x.lock", json.loads(lockfile.format_lock_file(join_locks({}, locked))))
    again = build_of(lock=str(file))
    assert (again.platform, again.repositories) == (made.platform, made.repositories)
    assert made.settings_fingerprint == again.settings_fingerprint
    assert (
        made.settings_fingerprint
        != build_of(distro="archlinux", add_repos="7Ji").settings_fingerprint
    )
