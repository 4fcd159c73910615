"""resolve-packages: a lock of what is needed, and a guess of it without pacman."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from aimager.errors import ConfigError, DownloadError
from aimager.model.build import MirrorChoice
from aimager.model.distro import Keyring, Mirrors, ThirdPartyRepository
from aimager.model.lock import read_lock
from aimager.products.derivation import derive
from aimager.stages import resolve_packages
from aimager.stages.resolve_packages import ResolvePackages
from tests.packages.test_sync_database import entries, tar_of
from tests.support.platform_databases import PLATFORM, package, workshop, write, write_all


@pytest.fixture
def databases(tmp_path: Path) -> Path:
    """Four packages."""
    return write(
        tmp_path / "databases.tar",
        app=package("app", "lib>=1", "tool-provided"),
        lib=package("lib"),
        tool=package("tool", "lib"),
        other=package("other"),
    )


def stage(tmp_path: Path, databases: Path, *packages: str, **changes: Any) -> ResolvePackages:
    """The request for these packages."""
    request = ResolvePackages(
        platform=PLATFORM,
        databases=databases,
        packages=packages,
        target=tmp_path / "cache/work/run/view/lock.json",
        pacman_static=None,
        borrowed=None,
        mirrors=MirrorChoice(),
        workshop=workshop(tmp_path),
    )
    return dataclasses.replace(request, **changes)


def locked(request: ResolvePackages) -> list[str]:
    return [package.name for package in read_lock(request.target).packages]


@pytest.mark.parametrize(
    ("packages", "changes", "names"),
    [
        (("app",), {}, ["app", "lib", "tool"]),
        (("app",), {"dependencies": False}, ["app"]),
        (("other",), {"welcome": ("tool", "unknown")}, ["lib", "other", "tool"]),
        (("lib", "lib"), {"welcome": ("lib",)}, ["lib"]),
        ((), {}, []),
    ],
)
def test_the_lock_is_predicted(
    tmp_path: Path, databases: Path, packages: tuple[str, ...], changes: Any, names: list[str]
) -> None:
    request = stage(tmp_path, databases, *packages, **changes)
    request.predict()
    assert locked(request) == names
    before = request.target.stat().st_mtime_ns
    request.predict()
    assert request.target.stat().st_mtime_ns == before


@pytest.mark.parametrize("dependencies", [False, True])
def test_what_is_predicted_comes_true(tmp_path: Path, databases: Path, dependencies: bool) -> None:
    request = stage(tmp_path, databases, "app", dependencies=dependencies)
    request.predict()
    predicted = request.target.read_bytes()
    request.target.unlink()
    request.run()
    assert request.target.read_bytes() == predicted


@pytest.mark.parametrize("dependencies", [False, True])
def test_what_the_repositories_do_not_have(
    tmp_path: Path, databases: Path, dependencies: bool
) -> None:
    request = stage(tmp_path, databases, "app", "vmi", "naon", dependencies=dependencies)
    for action in (request.predict, request.run):
        with pytest.raises(ConfigError) as caught:
            action()
        assert caught.value.message == "the repositories have no package vmi naon"
    assert not request.target.exists()


@pytest.mark.parametrize("dependencies", [False, True])
def test_a_repository_whose_keyring_package_is_called_otherwise(
    tmp_path: Path, databases: Path, dependencies: bool
) -> None:
    own = ThirdPartyRepository("mine", (), Mirrors("", "http://m"), Keyring("m", "m-keyring", ()))
    platform = dataclasses.replace(PLATFORM, repositories=(own,))
    request = stage(tmp_path, databases, "app", "m-keyring", dependencies=dependencies)
    request = dataclasses.replace(request, platform=platform)
    for action in (request.predict, request.run):
        with pytest.raises(ConfigError) as caught:
            action()
        assert caught.value.message == (
            "the repositories have no package m-keyring, which is to bring the keys of mine"
        )
        assert "key-file-mine=FILE" in caught.value.hint
        assert "trust-key-mine=" in caught.value.hint


@pytest.mark.parametrize(
    ("word", "names"), [("tool-provided", ["lib", "tool"]), ("tools", ["lib", "other", "tool"])]
)
def test_what_a_word_stands_for_is_asked_for(
    tmp_path: Path, databases: Path, word: str, names: list[str]
) -> None:
    """As after ``pacman -S`` of a group or of a name that is provided, it is not an orphan."""
    write(
        databases,
        lib=package("lib"),
        tool=package("tool", "lib", groups=("tools",)),
        other=package("other", groups=("tools",)),
    )
    request = stage(tmp_path, databases, word)
    request.predict()
    assert locked(request) == names
    requested = read_lock(request.target).requested
    assert requested == tuple(sorted({word, *names} - {"lib"}))


def test_the_repository_that_pacman_chose_is_locked(
    tmp_path: Path, databases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dependency's version may be that of a later repository alone."""
    core = tar_of(app=package("app", "lib>=2"), lib=package("lib"))
    later = tar_of(lib=package("lib", version="2-1"), app=package("app", version="0-1"))
    write_all(databases, core=core, later=later)
    chosen = [("later", "lib"), ("core", "app")]
    monkeypatch.setattr(resolve_packages, "_ask_pacman", lambda *_: chosen)
    request = stage(tmp_path, databases, "app")
    request.publish()
    found = [(p.name, p.version, p.repository) for p in read_lock(request.target).packages]
    assert found == [("app", "1-1", "core"), ("lib", "2-1", "later")]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            "renamed-1-1",
            "the entry renamed-1-1 of core.db cannot be used: it says that its NAME is",
        ),
        ("renamed\x1b]52;c;eA==\x07-1-1", r"the repositories have no package renamed"),
        ("renamed-2-1", "the entry renamed-2-1 of core.db cannot be used: it says that its NAME"),
    ],
)
@pytest.mark.parametrize("by_pacman", [True, False])
def test_an_entry_that_was_renamed_is_told_where_it_is_needed(
    tmp_path: Path,
    databases: Path,
    monkeypatch: pytest.MonkeyPatch,
    entry: str,
    said: str,
    by_pacman: bool,
) -> None:
    """pacman goes by the name of the entry's folder, and not by what is in it."""
    app = package("app").encode()
    core = entries(("app-1-1/desc", app), (f"{entry}/desc", package("other").encode()))
    write_all(databases, core=core)
    chosen = [("core", "app"), ("core", "renamed")] if by_pacman else None
    monkeypatch.setattr(resolve_packages, "_ask_pacman", lambda *_: chosen)
    stage(tmp_path, databases, "app").predict()  # nobody needs it
    with pytest.raises((DownloadError, ConfigError)) as caught:
        stage(tmp_path, databases, "app", "renamed").publish()
    assert caught.value.message.startswith(said)
    assert caught.value.message.isprintable()


def test_a_lock_is_known_by_its_content(tmp_path: Path, databases: Path) -> None:
    """It is resolved anew for other databases, not for other mirrors."""
    assert ResolvePackages.by_content
    request = stage(tmp_path, databases, "app")
    old, new = ({"databases": digit * 64} for digit in "12")
    first = derive("resolve-packages", request, old)
    mirrors = MirrorChoice(parents=("https://user:password@mirror",))
    other = dataclasses.replace(request, mirrors=mirrors, pacman_static=Path("/x"))
    assert derive("resolve-packages", other, old) == first
    assert derive("resolve-packages", request, new).id != first.id


def test_an_unrelated_package_leaves_the_lock(tmp_path: Path, databases: Path) -> None:
    request = stage(tmp_path, databases, "lib")
    request.predict()
    before = request.target.stat()
    write(databases, lib=package("lib"), other=package("other", version="2-1"))
    request.predict()
    assert (request.target.stat().st_ino, request.target.stat().st_mtime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
    )
    write(databases, lib=package("lib", version="2-1"))
    request.predict()
    assert request.target.stat().st_ino != before.st_ino


@pytest.fixture
def kernels(tmp_path: Path) -> Path:
    """Kernels that want any initramfs maker, or a certain one, and two makers."""
    return write(
        tmp_path / "kernels.tar",
        linux=package("linux", "initramfs"),
        arm=package("arm", "mkinitcpio"),
        mkinitcpio=package("mkinitcpio", provides=("initramfs",)),
        booster=package("booster", provides=("initramfs",)),
    )


@pytest.mark.parametrize(
    ("packages", "maker", "requested", "said"),
    [
        (("linux",), "mkinitcpio", ("linux", "mkinitcpio"), ""),
        (("linux",), None, ("linux",), ""),
        (("arm",), "mkinitcpio", ("arm", "mkinitcpio"), ""),
        (("arm",), "booster", ("arm",), "booster is left out: mkinitcpio provides an initramfs"),
        (
            ("linux", "booster"),
            "mkinitcpio",
            ("booster", "linux"),
            "mkinitcpio is left out: booster provides an initramfs",
        ),
    ],
)
def test_an_initramfs_maker_is_taken_unless_there_is_another(
    tmp_path: Path,
    kernels: Path,
    capfd: pytest.CaptureFixture[str],
    packages: tuple[str, ...],
    maker: str | None,
    requested: tuple[str, ...],
    said: str,
) -> None:
    made = stage(tmp_path, kernels, *packages, initramfs=maker, dependencies=False)
    made.run()
    assert read_lock(made.target).requested == requested
    assert capfd.readouterr().out.strip() == said
