"""Packages for other machines: refused, or passed over where they would be borrowed."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from aimager.errors import ConfigError
from aimager.model.lock import read_lock
from aimager.stages import resolve_packages
from tests.packages.test_sync_database import tar_of
from tests.stages.test_resolve_packages import databases, locked, stage
from tests.support.platform_databases import PLATFORM, package, write, write_all

__all__ = ["databases"]


@pytest.mark.parametrize(
    ("built_for", "hint"),
    [
        ("x86_64_v3", "arch=x86_64_v3 has the image take such packages"),
        ("aarch64", "leave it out, or take it from a repository for this architecture"),
    ],
)
def test_packages_for_other_machines_are_refused(
    tmp_path: Path, databases: Path, built_for: str, hint: str
) -> None:
    """Before any is fetched, and before keys are."""
    write(databases, fast=package("fast", arch=built_for), data=package("data", arch="any"))
    request = stage(tmp_path, databases, "fast", "data")
    for action in (request.predict, request.run):
        with pytest.raises(ConfigError) as caught:
            action()
        assert f"is for {built_for}, and the build for x86_64" in caught.value.message
        assert caught.value.hint == hint
    for level, taken in (("x86_64_v2", False), ("x86_64_v3", True), ("x86_64_v4", True)):
        platform = dataclasses.replace(PLATFORM, level=level)
        made = dataclasses.replace(request, platform=platform)
        if taken and built_for == "x86_64_v3":
            made.predict()
            assert locked(made) == ["data", "fast"]
        else:
            with pytest.raises(ConfigError, match="and the build for x86_64 x86_64_v2"):
                made.predict()


def test_what_bootstraps_is_of_the_first_repository_that_has_it_for_this_machine(
    tmp_path: Path,
) -> None:
    """As where a level's repositories come before the usual ones, and the image takes theirs."""
    fast = package("lib", version="2-1", arch="x86_64_v3")
    databases = write_all(
        tmp_path / "databases.tar",
        **{
            "core-v3": tar_of(
                bash=package("bash", "lib", arch="x86_64_v3"),
                lib=fast,
                data=package("data", version="2-1", arch="any"),
            ),
            "core": tar_of(bash=package("bash", "lib", "data"), lib=package("lib")),
        },
    )
    borrowed = stage(tmp_path, databases, welcome=("bash", "unknown"), bootstraps=True)
    for action in (borrowed.predict, borrowed.run):
        action()
        packages = read_lock(borrowed.target).packages
        assert {(p.name, p.repository) for p in packages} == {
            ("bash", "core"),
            ("lib", "core"),
            ("data", "core-v3"),
        }
        borrowed.target.unlink()
    image = stage(tmp_path, databases, "bash", "data")
    image = dataclasses.replace(image, platform=dataclasses.replace(PLATFORM, level="x86_64_v3"))
    image.predict()
    assert {p.repository for p in read_lock(image.target).packages} == {"core-v3"}


@pytest.mark.parametrize(
    ("changes", "packages"),
    [
        ({"welcome": ("bash",)}, {"bash": package("bash", arch="x86_64_v3")}),
        ({"packages": ("bash",)}, {"bash": package("bash", arch="x86_64_v3")}),
        (
            {"packages": ("bash",), "dependencies": False},
            {"bash": package("bash", arch="x86_64_v3")},
        ),
        (
            {"welcome": ("app",)},
            {"app": package("app", "bash>=1"), "bash": package("bash", arch="x86_64_v3")},
        ),
        (
            {"welcome": ("app",)},
            {
                "app": package("app", "sh"),
                "bash": package("bash", provides=("sh",), arch="x86_64_v3"),
            },
        ),
    ],
)
def test_what_bootstraps_and_is_for_other_machines_alone_is_refused(
    tmp_path: Path, databases: Path, changes: Any, packages: dict[str, str]
) -> None:
    write(databases, **packages)
    request = stage(tmp_path, databases, bootstraps=True)
    request = dataclasses.replace(request, **changes)
    for action in (request.predict, request.run):
        with pytest.raises(ConfigError) as caught:
            action()
        assert caught.value.message == (
            "the package bash 1-1, of the repository core, is for x86_64_v3, and what helps to"
            " build has to be for x86_64"
        )
        assert caught.value.hint.startswith("name a repository that has it behind those of")


@pytest.mark.parametrize("word", ["fast", "core/fast", "fast>=1", "quick", "fast-provided"])
def test_pacman_is_not_asked_for_what_it_would_refuse(
    tmp_path: Path, databases: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    write(databases, fast=package("fast", arch="x86_64_v3", groups=("quick",)))
    monkeypatch.setattr(resolve_packages, "_ask_pacman", lambda *_: pytest.fail("it is asked"))
    with pytest.raises(ConfigError, match="is for x86_64_v3, and the build for x86_64") as caught:
        stage(tmp_path, databases, word).publish()
    assert caught.value.hint == "arch=x86_64_v3 has the image take such packages"
