"""The lock file of ``doit verify`` is the one that was published with the manifest."""

from dataclasses import replace
from pathlib import Path

import pytest

from aimager.commands.verify.locked import matching_lock
from aimager.commands.verify.published import read_published
from aimager.commands.verify.rebuild import find_words
from aimager.errors import ConfigError
from aimager.model.lock import Lock, LockedPackage
from aimager.packages.lock_file import (
    LockedBuild,
    format_lock_file,
    join_locks,
    read_lock_file,
)
from tests.commands.test_verify import BUILD, PACKAGES, change, given, lock_file, publish


@pytest.mark.parametrize(
    ("packages", "build", "said"),
    [
        (PACKAGES, "archlinux-x86_64-x64-legacy", "is that of archlinux-x86_64-x64-legacy"),
        (PACKAGES[:1], BUILD, "that has zlib 1.0-1, and the lock file no zlib"),
        (
            (PACKAGES[0], replace(PACKAGES[1], version="2-1", sha256="0" * 64)),
            BUILD,
            "has zlib 1.0-1, and the lock file zlib 2-1",
        ),
        (
            (PACKAGES[0], replace(PACKAGES[1], sha256="0" * 64)),
            BUILD,
            "and the lock file another file of it",
        ),
    ],
)
def test_a_lock_file_of_something_else(
    packages: tuple[LockedPackage, ...], build: str, said: str, tmp_path: Path
) -> None:
    published = read_published(publish(tmp_path / "p"))
    matching_lock(published, Path("x.lock"), lock_file(*PACKAGES))
    with pytest.raises(ConfigError, match=said):
        matching_lock(published, Path("x.lock"), lock_file(*packages, build=build))


def test_another_builds_results_are_not_looked_at(tmp_path: Path) -> None:
    """Of several builds a lock file has their names, of which one could lead elsewhere."""
    manifest = publish(tmp_path / "p")
    own = LockedBuild("archlinux", "x86_64", "x64-uefi", (), "host", "")
    locked = join_locks({}, {BUILD: own, "../../p": own})
    manifest.with_name("image.lock").write_text(format_lock_file(locked))
    published = read_published(change(manifest, build="../../p", packages=[]))
    with pytest.raises(ConfigError, match=rf"is that of .*{BUILD}.*, the manifest that of \.\./"):
        matching_lock(published, Path("x.lock"), locked)
    with pytest.raises(ConfigError, match=rf"are of {BUILD}, the manifest is of \.\./\.\./p"):
        find_words(published, given(tmp_path, board="x64-uefi"), tmp_path)


def test_one_of_several_builds_is_verified_as_if_it_were_the_only_one(tmp_path: Path) -> None:
    """They have names; of two with the same id the one with the manifest's packages is meant."""
    manifest = publish(tmp_path / "p")
    own = LockedBuild("archlinux", "x86_64", "x64-uefi", (), "host", "")
    other = replace(own, board="x64-legacy")
    parts = {
        "first": Lock("archlinux-x86_64", (), PACKAGES[:1]),
        "second": Lock("archlinux-x86_64", (), PACKAGES),
        "second.board": Lock("archlinux-x86_64", (), PACKAGES[:1]),
        "third": Lock("archlinux-x86_64", (), PACKAGES),
        "archlinux-x86_64.rootfs": Lock("archlinux-x86_64", (), PACKAGES[1:]),
    }
    locked = join_locks(parts, {"first": own, "second": own, "third": other})
    found = matching_lock(read_published(manifest), Path("x.lock"), locked)
    assert found.build == own
    assert {subject: part.packages for subject, part in found.parts.items()} == {
        BUILD: ("bash", "zlib"),
        f"{BUILD}.board": ("bash",),
        "archlinux-x86_64.rootfs": ("zlib",),
    }
    manifest.with_name("image.lock").write_text(format_lock_file(found))
    assert read_lock_file(manifest.with_name("image.lock")) == found
