"""A lock file is data from others: what it may not say is refused in one sentence."""

import dataclasses
import hashlib
import os
from pathlib import Path

import pytest

from aimager.codec import encode
from aimager.config.build import read_build
from aimager.errors import ConfigError
from aimager.packages import lock_file as lockfile
from tests.packages.test_lock_file import BUILD, FILE, data, refusal, write
from tests.support.places import ROOT


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("board", "./evil.py"),
        ("board", "evil.py"),
        ("board", "/tmp/evil.py"),
        ("board", "boards/evil"),
        ("board", ".."),
        ("board", ""),
        ("board", "x64-uefi,evil"),
        ("board", ["./evil.py"]),
        ("board", None),
        ("boards", "./evil"),
        ("overlay", "/etc/shadow.tar"),
        ("files", ["/etc/shadow:/etc/motd"]),
        ("scripts", ["./evil.sh"]),
        ("disk_from", "/dev/sda"),
        ("reuse_root_tar", "./evil.tar"),
        ("keyring_helper", "./evil.tar"),
        ("key_file", "./evil.gpg"),
        ("packages", "./evil"),
        ("out", "/etc"),
        ("install_packages", "vim"),
        ("install_packages", [1]),
        ("install_packages", {"vim": "1"}),
        ("add_repos", None),
        ("file_systems", [["ext4"]]),
    ],
)
def test_a_lock_names_no_file_and_no_other_thing(tmp_path: Path, field: str, value: object) -> None:
    spoilt = data()
    spoilt["build"][field] = value
    message, _ = refusal(write(tmp_path / "lock", spoilt))
    assert message.startswith(f"{tmp_path}/lock is not a lock file: ")
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("install_packages", ["../vim"], "install-pkgs=../vim is not a valid package name"),
        ("install_packages", ["@/etc/passwd"], "is not a valid package name"),
        ("install_packages", ["--root=/"], "is not a valid package name"),
        ("add_repos", ["mine=file:///etc"], "add-repos=mine=file:///etc"),
        ("add_repos", ["../mine=https://a.example"], "is not a valid name of a repository"),
        ("add_repos", ["mine=https://a.example"], "trust-key-mine= is missing"),
        ("initramfs", "./evil", "initrd-maker=./evil is not known"),
        ("distro", "./evil.py", "there is no distribution ./evil.py"),
        ("architecture", "z80", "arch=z80 does not go with archlinuxarm"),
    ],
)
def test_what_a_lock_says_is_checked_as_if_it_was_typed(
    tmp_path: Path, field: str, value: object, said: str
) -> None:
    spoilt = data()
    spoilt["build"][field] = value
    write(tmp_path / "lock", spoilt)
    with pytest.raises(ConfigError) as caught:
        read_build({"lock": "lock"}, tmp_path)
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"board":', '"board": "none", "board":', "it says 'board' twice"),
        ('"size": 1000', '"size": 1000, "size": 1001', "it says 'size' twice"),
        ('"size": 1000', '"size": NaN', "it has the number NaN"),
        ('"size": 1000', '"size": -Infinity', "it has the number -Infinity"),
        ('"size": 1000', '"size": 1e400', "inf is not a int"),
        ('"vim"\n', '"vim\\u001b[2J"\n', "it has control characters"),
        ("[]", "[" * 400 + "]" * 400, "is not a"),
        ("[]", "[" * 990 + "]" * 990, ""),
    ],
)
def test_json_that_readers_differ_about_is_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = lockfile.format_lock_file(FILE)
    assert old in text
    path = tmp_path / "lock"
    path.write_text(text.replace(old, new, 1))
    message, _ = refusal(path)
    assert message.startswith(f"{path} is not a lock file: ")
    assert said in message


def test_a_lock_without_an_end_is_not_read_to_it(tmp_path: Path) -> None:
    assert refusal(Path("/dev/zero"))[0] == (
        "/dev/zero is not a lock file: it is a device or a pipe"
    )
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe")[0].endswith("it is a device or a pipe")
    (tmp_path / "hole").touch()
    os.truncate(tmp_path / "hole", 1 << 40)
    assert refusal(tmp_path / "hole")[0].endswith(f"it has more than {64 << 20} bytes")


def test_a_lock_of_a_board_of_ones_own_asks_for_its_file(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    text = (ROOT / "boards/aarch64_uefi.py").read_text()
    (tmp_path / "own/kiosk.py").write_text(text.replace('id="aarch64-uefi"', 'id="kiosk"'))
    named = read_build({"board": "own/kiosk.py"}, tmp_path)
    assert named
    digest = hashlib.sha256((tmp_path / "own/kiosk.py").read_bytes()).hexdigest()
    assert named.board_sha256 == digest
    for told in ("", digest):
        locked = dataclasses.replace(BUILD, board="kiosk", board_sha256=told)
        write(tmp_path / "lock", encode(dataclasses.replace(FILE, build=locked)))
        with pytest.raises(ConfigError) as caught:
            read_build({"lock": "lock"}, tmp_path)
        assert caught.value.message == (
            f"the lock file {tmp_path}/lock is of kiosk, a board that aimager does not have"
            + (f"; its file has the SHA-256 {digest}" if told else "")
        )
        assert caught.value.hint == (
            "name its file, board=FILE, or the folder of it, boards=FOLDER"
        )
    packages = ("vim",)
    for words in ({"board": "own/kiosk.py"}, {"boards": "own"}):
        build = read_build({"lock": "lock", **words}, tmp_path)
        assert build == dataclasses.replace(named, packages=packages, lock=tmp_path / "lock")
