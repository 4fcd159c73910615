"""``doit why`` calls what changed by the variable that the user changes."""

import re
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.config.variable import Group, Variable, Words, setting_names
from aimager.config.variables import VARIABLES
from aimager.model.lock import Lock
from aimager.packages.lock_file import LockedBuild, format_lock_file, join_locks
from tests.support.openpgp_maker import Secret, plain
from tests.support.reasons import reasons, tasks_of
from tests.support.ssh_keys import SSH_KEY

BASE = "distro=archlinux board=x64-uefi"
KEY, OTHER = (Secret(name, 1).fingerprint.hex().upper() for name in ("one", "two"))
MINE = f"add-repos=mine=https://mirror.example trust-key-mine={KEY}"

CASES = {
    "distro": ("distro=archlinux", "distro=archlinuxarm", "distro: https://geo.mirror.pkgbuild"),
    "board": ("board=x64-uefi", "board=x64-legacy", "board: bootloaders changed"),
    "arch": ("distro=arch32 arch=i686", "distro=arch32 arch=i486", "arch: i686 -> i486"),
    "create": ("", "create=root.tar", "create: root.tar added, disk.img removed"),
    "oci-name": (
        "create=oci.tar",
        "create=oci.tar oci-name=me/arch",
        "oci-name: archlinux-x64-uefi:latest -> me/arch:latest",
    ),
    "compress": ("", "compress=xz", "compress: xz added"),
    "seed": ("", "seed=second", "seed: (none) -> second"),
    "table": ("", "table==gpt_1g_esp_16g_root_x86_64", "table: partitions changed"),
    "root-size": ("", "root-size=8G", "root-size: (none) -> 8589934592"),
    "root-fs": ("", "root-fs=btrfs", "root-fs: ext4 -> btrfs"),
    "root-subvolumes": (
        "root-fs=btrfs root-subvolumes=@",
        "root-fs=btrfs root-subvolumes=@,@home:/home",
        "root-subvolumes: @home added",
    ),
    "root-compress": (
        "root-fs=btrfs",
        "root-fs=btrfs root-compress=zstd:3",
        "root-compress: (none) -> zstd:3",
    ),
    "mkfs-arg": ("", "mkfs-arg='root=-m 5'", "mkfs-arg: -m added, 5 added"),
    "disk-from": ("", "disk-from=one.img", "disk-from: one.img added"),
    "hostname": ("", "hostname=pc", "hostname: x64-uefi -> pc"),
    "locales": ("", "locales=C.UTF-8", "locales: C.UTF-8 added, en_US.UTF-8 removed"),
    "useradd": ("", "useradd=alice", "useradd changed"),
    "chpasswd": ("chpasswd=root:a", "chpasswd=root:b", "chpasswd: root changed"),
    "sudo-group": ("", "sudo-group=wheel", "sudo-group: wheel added"),
    "ssh-keys": ("", "ssh-keys=alice:@key.pub", "ssh-keys: alice added"),
    "credentials": ("", "credentials=yes", "credentials: no -> yes"),
    "ssh-server": ("", "ssh-server=yes", "ssh-server: sshd.service added"),
    "timezone": ("", "timezone=Asia/Tokyo", "timezone: (none) -> Asia/Tokyo"),
    "keymap": ("keymap=de", "keymap=fr", "keymap: de -> fr"),
    "wifi": ("wifi=home:password1", "wifi=home:password2", "wifi: home changed"),
    "wifi-country": (*("wifi=home:", "wifi=home: wifi-country=de", "wifi-country: (none) -> DE"),),
    "network": ("", "network=10.0.0.2/24", "network: addresses changed"),
    "append-all": ("append-all=x", "append-all=y", "append-all: y added, x removed"),
    "append-default": ("append-default=x", "append-default=y", "append-default: y added"),
    "append-*": ("", "append-linux-lts=quiet", "append-linux-lts: quiet added"),
    "initrd-maker": ("", "initrd-maker=dracut", "initrd-maker: booster -> dracut"),
    "services": ("", "services=sshd", "services: sshd.service added"),
    "files": ("files=one:/etc/motd", "files=two:/etc/motd", "files: /etc/motd changed"),
    "overlay": ("", "overlay=one.tar", "overlay: one.tar added"),
    "scripts": ("scripts=one", "scripts=", "scripts: one removed"),
    "install-pkgs": ("", "install-pkgs=vim", "install-pkgs: vim added"),
    "packages": ("", "packages=.", "packages: no -> yes"),
    "lock": ("lock=one.lock", "lock=two.lock", "lock: two.lock changed"),
    "add-repos": ("", "add-repos=7Ji", "add-repos: 7Ji added"),
    "repos-first": ("add-repos=7Ji", "add-repos=7Ji repos-first=7Ji", "repos-first: no -> yes"),
    "repos-for-build": (
        *("add-repos=7Ji", "add-repos=7Ji repos-for-build=7Ji", "repos-for-build: no -> yes"),
    ),
    "repo-core": ("", "repo-core=base", "repo-core: core -> base"),
    "repos-base": ("", "repos-base=core,mine", "repos-base: mine added, extra removed"),
    "reuse-root-tar": (
        "reuse-root-tar=one.tar",
        "reuse-root-tar=two.tar",
        "reuse-root-tar: two.tar changed",
    ),
    "trust-key": ("", f"trust-key={KEY}", f"trust-key: {KEY} added"),
    "trust-key-*": (
        MINE,
        MINE.replace(KEY, OTHER),
        f"trust-key-mine: {OTHER} added, {KEY} removed",
    ),
    "key-file-*": (MINE, f"{MINE} key-file-mine=one.gpg", "key-file-mine: mine-keyring -> (none)"),
    "tools": ("", "tools=host", "tools changed"),
    "keyring-helper": ("", "keyring-helper=one.tar", "keyring-helper: one.tar changed"),
}
"""By variable: two builds that differ by it, and what is told of one product of the second."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the files that the words name."""
    for name in ("one", "two"):
        (tmp_path / name).write_text(f"#!/bin/{name}\n")
        (tmp_path / f"{name}.tar").write_text(name)
        (tmp_path / f"{name}.img").write_text(name)
        (tmp_path / f"{name}.gpg").write_bytes(plain(Secret(name, 1), b"user", 1).packets())
    (tmp_path / "key.pub").write_text(SSH_KEY)
    build = read_build(dict(word.split("=") for word in BASE.split()), tmp_path)
    assert build
    locked = LockedBuild("archlinux", "x86_64", "x64-uefi", (), "host", "")
    for name in ("one", "two"):
        lock = Lock(build.platform.id, (name, *build.installs), ())
        text = format_lock_file(join_locks({build.id: lock}, locked))
        (tmp_path / f"{name}.lock").write_text(text)
    return tmp_path


def test_every_variable_that_becomes_a_setting_has_a_case() -> None:
    assert CASES.keys() == {variable.name for variable in VARIABLES if variable.settings}


@pytest.mark.parametrize("name", CASES)
def test_what_changed_is_called_by_its_variable(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after, expected = CASES[name]
    base = "" if "distro=" in before or "board=" in before else BASE
    told = reasons(
        tasks_of(f"{base} {before}", folder, monkeypatch),
        tasks_of(f"{base} {after}", folder, monkeypatch),
    )
    texts = [text for told_of in told.values() for text in told_of.split("; ")]
    assert any(text.startswith(expected) for text in texts)
    names = {re.split(": | changed$| removed$", text)[0] for text in texts}
    known = [variable for variable in VARIABLES if variable.settings]
    strange = {
        name
        for name in names
        if not all(any(v.matches(one) for v in known) for one in name.split(" or "))
        and not re.fullmatch(r"\d+ more settings", name)
        # A board's layer, which a record tells by its task.
        and not re.fullmatch(r"below\.1|systems\.2|other:task left out", name)
        # The manifest tells what else changed.
        and name != "the words that its manifest tells"
    }
    assert not strange


def test_a_name_for_many_takes_each_and_gives_the_rest() -> None:
    append = Variable("append-*", Group.system, "")
    assert append.matches("append-linux-lts")
    assert append.stem("append-linux-lts") == "linux-lts"
    assert not append.matches("append-")
    assert not append.matches("append")
    assert not append.matches("append-a b")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), {"a": "one or two", "b": "two", "c": "many-*"}),
        (("two",), {"a": "two", "b": "two", "c": "many-*"}),
        (("two", "one"), {"a": "one", "b": "two", "c": "many-*"}),
        (("many-x",), {"a": "one or two", "b": "two", "c": "many-*"}),
    ],
)
def test_of_several_that_set_the_same_it_is_the_one_that_is_given(
    given: tuple[str, ...], expected: dict[str, str]
) -> None:
    one = Variable("one", Group.system, "", settings=("a",))
    two = Variable("two", Group.system, "", settings=("a", "b"))
    many = Variable("many-*", Group.system, "", settings=("c",))
    assert setting_names((one, two, many), given) == expected


def test_values_in_words() -> None:
    one = Variable("one", Group.system, "", choices=("a", "b"))
    assert one.values == "one of a, b"
    assert replace(one, several=True).values == "some of a, b"
    assert replace(one, listed_by="boards").values == "doit boards lists them"
    assert replace(one, choices=()).values == ""
    with pytest.raises(FrozenInstanceError):
        one.name = "other"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        Words({}, Path(), {}).texts = {}  # type: ignore[misc]
