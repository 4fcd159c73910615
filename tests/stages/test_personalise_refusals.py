"""An image that cannot be set up so stays as it is, and nothing is left of what was begun."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from aimager.errors import ConfigError, HostError, ImageError
from aimager.files import sha256
from aimager.model.partition import Role
from aimager.model.settings import AuthorizedKeys, Password, Settings, User
from aimager.sandbox import namespace
from aimager.stages import personalise
from tests.support import finished_disks
from tests.support.finished_disks import Disk
from tests.support.personalised import ALICE, HASH, stage


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return finished_disks.make(tmp_path / "disk")


@pytest.mark.parametrize(
    ("setup", "sentence"),
    [
        (Settings("", users=(User(("-G", "none", "bob")),)), "group 'none' does not exist"),
        (Settings("", users=(User(("old",)),)), "user 'old' already exists"),
        (Settings("", passwords=(Password("bob", "x"),)), "names the user bob, who is not"),
        (Settings("", ssh_keys=(AuthorizedKeys("bob", ("ssh-rsa A",)),)), "the user bob"),
        (Settings("", services=("none.service",)), "the image has no none.service"),
    ],
)
def test_what_cannot_be_leaves_nothing(
    setup: Settings, sentence: str, disk: Disk, tmp_path: Path
) -> None:
    digest = sha256(disk.path)
    target = tmp_path / "copy.img"
    target.write_text("there before")
    for place in (target, None):
        with pytest.raises(ConfigError, match=sentence):
            stage(disk.path, setup, place).run()
    assert sha256(disk.path) == digest
    assert target.read_text() == "there before"
    assert {path.name for path in tmp_path.iterdir()} == {"disk", "copy.img", "shop"}
    assert {path.name for path in disk.path.parent.iterdir()} == {"disk.img", "tree"}
    assert {path.name for path in (tmp_path / "shop").iterdir()} <= {"log", "work"}


def test_what_cannot_be_written_in_place_is_as_it_was(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = sha256(disk.path)
    flush, real = os.fsync, namespace.call

    def fail(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", flush)
        assert sha256(disk.path) != digest
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def call(*arguments: Any, **words: Any) -> object:
        answer: object = real(*arguments, **words)
        monkeypatch.setattr(os, "fsync", fail)  # the next one is of the image itself
        return answer

    monkeypatch.setattr(personalise, "call", call)
    with pytest.raises(HostError, match="cannot be written: Input/output error; it is as it was"):
        stage(disk.path, ALICE, None).run()
    assert sha256(disk.path) == digest


def test_a_damaged_image_is_refused_and_stays(disk: Disk, tmp_path: Path) -> None:
    start = disk.part(Role.root).start
    with disk.path.open("r+b") as stream:
        stream.seek(start + 4096)
        stream.write(b"\xff" * 64)  # where the first group has its tables
    digest = sha256(disk.path)
    for target in (None, tmp_path / "copy.img"):
        with pytest.raises((ImageError, ConfigError)):
            stage(disk.path, ALICE, target).run()
    assert sha256(disk.path) == digest
    assert not (tmp_path / "copy.img").exists()


def test_passwords_stand_nowhere_else(disk: Disk, tmp_path: Path) -> None:
    made = stage(disk.path, ALICE, tmp_path / "copy.img")
    made.run()
    log = made.workshop.log.read_text()
    assert "useradd" in log
    assert "secret" not in log
    assert HASH not in log
