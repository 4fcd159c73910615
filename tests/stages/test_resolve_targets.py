"""Packages are asked for of a certain repository, from a version on, or by their file."""

from pathlib import Path

import pytest

from aimager.errors import ConfigError, DownloadError
from aimager.model.lock import read_lock
from aimager.stages import resolve_packages
from tests.packages.test_sync_database import tar_of
from tests.stages.test_resolve_packages import databases, stage
from tests.support.platform_databases import package, write_all

__all__ = ["databases"]


@pytest.mark.parametrize("by_pacman", [True, False])
@pytest.mark.parametrize(
    ("word", "repository", "version", "names"),
    [
        ("core/lib", "core", "1-1", {"lib"}),
        ("later/lib", "later", "2-1", {"lib"}),
        ("later/lib>=2", "later", "2-1", {"lib"}),
        ("lib>=1", "core", "1-1", {"lib"}),
        ("later/things", "later", "1-1", {"lib", "own"}),
        ("@packages/x-3.pkg.tar.zst", "@packages", "3-1", {"lib"}),
        ("@packages/lib", "@packages", "3-1", {"lib"}),
    ],
)
def test_a_package_may_be_of_a_certain_repository(
    tmp_path: Path,
    databases: Path,
    monkeypatch: pytest.MonkeyPatch,
    by_pacman: bool,
    word: str,
    repository: str,
    version: str,
    names: set[str],
) -> None:
    """As with pacman -S, whichever comes first."""
    own = package("lib", version="3-1").replace("lib-3-1-x86_64.pkg.tar.zst", "x-3.pkg.tar.zst")
    things = package("own", groups=("things",)), package("lib", version="2-1", groups=("things",))
    databases_of = {
        "core": tar_of(lib=package("lib"), other=package("other", groups=("things",))),
        "later": tar_of(own=things[0], lib=things[1]),
    }
    if repository == "@packages":
        databases_of = {"@packages": tar_of(lib=own), **databases_of}
    write_all(databases, **databases_of)
    asked: list[list[str]] = []

    def ask(_: object, words: list[str]) -> list[tuple[str, str]] | None:
        asked.append(words)
        return [(repository, name) for name in sorted(names)] if by_pacman else None

    monkeypatch.setattr(resolve_packages, "_ask_pacman", ask)
    request = stage(tmp_path, databases, word)
    request.publish()
    lock = read_lock(request.target)
    assert {p.name for p in lock.packages} == names
    assert {p.repository for p in lock.packages} == {repository}
    assert version in {p.version for p in lock.packages}
    assert {word, *names} == set(lock.requested)
    assert asked == [["@packages/lib" if repository == "@packages" else word]]


def test_a_package_that_its_repository_lacks(tmp_path: Path, databases: Path) -> None:
    request = stage(tmp_path, databases, "core/nope")
    with pytest.raises(ConfigError, match="the repositories have no package core/nope") as caught:
        request.predict()
    assert "install-pkgs=" in caught.value.hint


@pytest.mark.parametrize(
    "words", [("lib", "later/lib"), ("later/lib", "lib"), ("later/lib>=1", "lib")]
)
@pytest.mark.parametrize("welcome", [(), ("lib",)])
def test_one_of_a_certain_repository_takes_the_place_of_the_plain_name(
    tmp_path: Path,
    databases: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, str],
    welcome: tuple[str, ...],
) -> None:
    """As a board asks for its kernel, and the user for that of another repository."""
    later = package("lib", version="2-1")
    write_all(databases, core=tar_of(lib=package("lib")), later=tar_of(lib=later))
    asked: list[list[str]] = []

    def ask(_: object, words: list[str]) -> list[tuple[str, str]]:
        asked.append(words)
        return [("later", "lib")]

    monkeypatch.setattr(resolve_packages, "_ask_pacman", ask)
    request = stage(tmp_path, databases, *words, welcome=welcome)
    for act in (request.publish, request.predict):
        act()
        lock = read_lock(request.target)
        assert [(p.name, p.repository) for p in lock.packages] == [("lib", "later")]
        assert "lib" in lock.requested
    assert asked == [[max(words, key=len)]]


@pytest.mark.parametrize("word", ["lib", "core/lib", "lib>=1", "core/lib=2"])
@pytest.mark.parametrize("dependencies", [True, False])
def test_what_is_wrong_with_an_entry_is_told_however_it_is_asked_for(
    tmp_path: Path, databases: Path, word: str, dependencies: bool
) -> None:
    broken = package("lib").replace("%FILENAME%", "%OTHER%")
    write_all(databases, core=tar_of(lib=broken, other=package("other")))
    request = stage(tmp_path, databases, word, dependencies=dependencies)
    with pytest.raises(DownloadError, match="cannot be used: it lacks its FILENAME"):
        request.predict()
