"""The user's lock file holds every lock of a build, and gives each back as it was."""

import dataclasses
import difflib
import json
from pathlib import Path
from typing import Any

import pytest

from aimager.config.build import read_build
from aimager.errors import ConfigError
from aimager.model.build import Build
from aimager.model.lock import UNSIGNED, Lock
from aimager.packages import lock_file as lockfile
from aimager.packages.lock_file import LockedBuild, LockFile, join_locks, lock_of, read_lock_file
from tests.support.locked import make_package
from tests.support.places import GOLDEN

X, A = "archlinux-x86_64", "archlinuxarm-aarch64"
ID = f"{A}-aarch64-uefi"
BUILD = LockedBuild("archlinuxarm", "aarch64", "aarch64-uefi", ("vim",), X, "f" * 64)
KEYS = make_package("keyring", architecture="any")
GLIBC = make_package("glibc", architecture="aarch64", build_date=1_700_000_007)
VIM = make_package("vim", architecture="aarch64", repository="extra")
PACMAN = make_package("pacman")
PARTS = {
    f"{A}.keyring": Lock(A, ("keyring",), (KEYS,)),
    f"{A}.rootfs": Lock(A, ("base", "keyring"), (GLIBC, KEYS)),
    f"{X}.borrowed": Lock(X, ("pacman",), (PACMAN,)),
    ID: Lock(A, ("base", "keyring", "linux", "vim"), (GLIBC, KEYS, VIM)),
}
FILE = join_locks(PARTS, BUILD)
STORED = GOLDEN / "lockfile.json"


def build_of(**words: str) -> Build:
    """The build of these words."""
    build = read_build({name.replace("_", "-"): value for name, value in words.items()}, Path("/"))
    assert build
    return build


def write(path: Path, data: object) -> Path:
    """A file with this JSON."""
    path.write_text(json.dumps(data))
    return path


def data() -> dict[str, Any]:
    """The JSON of a good lock file, to be spoilt."""
    good: dict[str, Any] = json.loads(lockfile.format_lock_file(FILE))
    return good


def refusal(path: Path) -> tuple[str, str]:
    """How a file is refused: message and hint."""
    with pytest.raises(ConfigError) as caught:
        read_lock_file(path)
    return caught.value.message, caught.value.hint


def test_text() -> None:
    assert lockfile.format_lock_file(FILE) == STORED.read_text()


def test_it_is_read_back() -> None:
    assert read_lock_file(STORED) == FILE


@pytest.mark.parametrize("subject", PARTS)
def test_every_part_is_given_back_as_it_was(subject: str) -> None:
    assert lock_of(read_lock_file(STORED), subject) == PARTS[subject]


def test_the_order_of_parts_does_not_matter() -> None:
    other = join_locks(dict(reversed(PARTS.items())), BUILD)
    assert lockfile.format_lock_file(other) == lockfile.format_lock_file(FILE)


def test_a_package_is_listed_once_for_each_platform() -> None:
    assert FILE.packages == {A: (GLIBC, KEYS, VIM), X: (PACMAN,)}


def test_a_new_version_changes_what_changed() -> None:
    newer = dataclasses.replace(GLIBC, version="1.0-2", size=1001)
    parts = {
        subject: dataclasses.replace(
            lock, packages=tuple(newer if p == GLIBC else p for p in lock.packages)
        )
        for subject, lock in PARTS.items()
    }
    new = lockfile.format_lock_file(join_locks(parts, BUILD)).splitlines()
    diff = difflib.ndiff(lockfile.format_lock_file(FILE).splitlines(), new)
    assert [line.split() for line in diff if line[0] in "+-"] == [
        *(["-", '"size":', "1000,"], ["+", '"size":', "1001,"]),
        *(["-", '"version":', '"1.0-1"'], ["+", '"version":', '"1.0-2"']),
    ]


def test_two_of_one_name_on_one_platform_cannot_be_joined() -> None:
    other = Lock(A, (), (dataclasses.replace(GLIBC, version="2.0-1"),))
    with pytest.raises(ConfigError) as caught:
        join_locks({**PARTS, "other": other}, BUILD)
    assert caught.value.message == "the lock of other holds glibc 2.0-1, another lock glibc 1.0-1"
    assert "run the same command again" in caught.value.hint


def test_a_part_that_is_missing_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        lock_of(FILE, f"{A}.borrowed")
    assert caught.value.message == (
        f"the lock file holds no {A}.borrowed: it is that of {ID}, made on a host of {X}"
    )
    assert caught.value.hint == "doit update lock=FILE resolves it again"


def test_a_package_that_is_missing_is_named() -> None:
    spoilt = dataclasses.replace(FILE, packages={A: (GLIBC, KEYS)})
    for subject, name, platform in ((ID, "vim", A), (f"{X}.borrowed", "pacman", X)):
        with pytest.raises(ConfigError) as caught:
            lock_of(spoilt, subject)
        assert caught.value.message == (
            f"the lock file holds no package {name} of {platform}, which {subject} names"
        )


def test_no_file(tmp_path: Path) -> None:
    path = tmp_path / "none"
    hint = "doit lock distro= board= lock=FILE makes it"
    assert refusal(path) == (f"there is no lock file {path}", hint)
    assert refusal(tmp_path)[0] == f"the lock file {tmp_path} cannot be read: Is a directory"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"\xff\xfe",
        b"<html>",
        b"null",
        b"[]",
        b"{}",
        b'"text"',
        b'{"format": "1"}',
        b'{"format": true}',
        b'{"format": 0}',
        b'{"format": 1}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 10_000,
        b"<<<<<<< HEAD\n",
    ],
)
def test_garbage_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lock"
    path.write_bytes(content)
    message, hint = refusal(path)
    assert message.startswith(f"{path} is not a lock file: ")
    assert hint.startswith("restore it, or delete it ")


def test_a_long_reason_is_cut_off(tmp_path: Path) -> None:
    path = write(tmp_path / "lock", {**data(), "parts": ["x"] * 10_000})
    assert len(refusal(path)[0]) < len(str(path)) + 300


def test_a_newer_format_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "lock", {"format": 3, "what": "is not known"})
    message, hint = refusal(path)
    assert message == f"the lock file {path} is of format 3, and this aimager knows only 2"
    assert hint.startswith("use a newer aimager")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("file", "../../etc/passwd"),
        ("file", ".hidden"),
        ("file", ""),
        ("file", "a\0b"),
        ("file", "a" * 201),
        ("file", "\ud800"),
        ("sha256", "../" * 21 + "x"),
        ("sha256", "ab"),
        ("size", 0),
        ("size", "1"),
        ("size", None),
        ("size", 1.5),
        ("size", 10**400),
        ("size", 1 << 63),
        ("size", True),
        ("installed_size", -1),
        ("installed_size", 10**400),
        ("build_date", 10**15),
        ("build_date", -1),
        ("name", "\x1b[31m"),
        ("name", 1),
        ("stranger", 1),
    ],
)
def test_a_package_that_cannot_be_is_refused(tmp_path: Path, field: str, value: object) -> None:
    spoilt = data()
    spoilt["packages"][A][0][field] = value
    message, _ = refusal(write(tmp_path / "lock", spoilt))
    assert message.startswith(f"{tmp_path}/lock is not a lock file: ")


@pytest.mark.parametrize("field", ["build", "packages", "parts", "format"])
def test_what_is_left_out_is_missed(tmp_path: Path, field: str) -> None:
    spoilt = data()
    del spoilt[field]
    message, _ = refusal(write(tmp_path / "lock", spoilt))
    assert message.startswith(f"{tmp_path}/lock is not a lock file: ")


def test_a_cut_off_file_is_refused(tmp_path: Path) -> None:
    text = lockfile.format_lock_file(FILE)
    path = tmp_path / "lock"
    for length in range(0, len(text) - 2, 97):
        path.write_text(text[:length])
        assert refusal(path)[0].startswith(f"{path} is not a lock file: ")


def fitting_file(build: Build, **changes: Any) -> LockFile:
    """The file with all that ``build`` asks for, and ``changes`` of what it says of its build."""
    held = dataclasses.replace(
        FILE.parts[ID], requested=(*FILE.parts[ID].requested, *build.installs)
    )
    locked = dataclasses.replace(BUILD, **changes)
    return dataclasses.replace(FILE, build=locked, parts={**FILE.parts, ID: held})


def test_a_file_for_other_file_systems_is_refused() -> None:
    build = build_of(board="aarch64-uefi", root_fs="btrfs")
    for kinds in ((), ("vfat", "btrfs"), ("vfat", "ext4", "btrfs")):
        lockfile.check_build(build, fitting_file(build, file_systems=kinds))
    with pytest.raises(ConfigError) as caught:
        lockfile.check_build(build, fitting_file(build, file_systems=("vfat", "ext4")))
    assert caught.value.message == "the lock file is for the file systems vfat ext4, not btrfs"
    assert "root-fs=" in caught.value.hint
    assert "doit update lock=FILE" in caught.value.hint


def test_a_file_for_another_initramfs_maker_is_refused() -> None:
    build = build_of(board="aarch64-uefi", initrd_maker="dracut")
    for maker in ("", "dracut"):
        lockfile.check_build(build, fitting_file(build, initramfs=maker))
    with pytest.raises(ConfigError) as caught:
        lockfile.check_build(build, fitting_file(build, initramfs="booster"))
    assert caught.value.message == "the lock file is for the initramfs maker booster, not dracut"
    assert caught.value.hint == "doit update lock=FILE adds what is asked for"


def test_a_file_with_what_nobody_signed_needs_its_folder(tmp_path: Path) -> None:
    own = dataclasses.replace(VIM, repository=UNSIGNED)
    build = build_of(board="aarch64-uefi")
    file = dataclasses.replace(fitting_file(build), packages={A: (GLIBC, KEYS, own), X: (PACMAN,)})
    lockfile.check_build(build_of(board="aarch64-uefi", packages=str(tmp_path)), file)
    with pytest.raises(ConfigError) as caught:
        lockfile.check_build(build, file)
    assert caught.value.message == "the lock file holds vim 1.0-1, which nobody signed"
    assert caught.value.hint.startswith("packages=FOLDER ")


def test_a_build_is_what_the_file_is_of() -> None:
    fitting = fitting_file(build_of(board="aarch64-uefi"))
    for words in ({}, {"install_pkgs": "glibc,base"}):
        lockfile.check_build(build_of(board="aarch64-uefi", **words), fitting)
    with pytest.raises(ConfigError) as caught:
        lockfile.check_build(build_of(board="aarch64-uefi", install_pkgs="vim,nano,git"), fitting)
    assert caught.value.message == "the lock file does not hold nano git"
    assert caught.value.hint == "doit update lock=FILE adds what is asked for"
    with pytest.raises(ConfigError) as caught:
        lockfile.check_build(build_of(distro="alarm"), fitting)
    assert caught.value.message == f"the lock file is that of {ID}, not of {A}-none"
