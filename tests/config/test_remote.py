"""The address of a shared store is refused in a sentence, or taken as it is."""

import importlib.util
from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.config.remote import read_remote
from aimager.errors import ConfigError

FOLDER = Path("/here")


@pytest.mark.parametrize(
    "url",
    [
        *("s3://bucket", "s3://bucket/a/b", "gs://bucket/a", "https://host/a", "http://host:81/a"),
        *("ssh://alice@host/srv", "file:///srv/store", "https://alice:pw@host/a"),
    ],
)
def test_an_address(url: str) -> None:
    assert read_remote(url, FOLDER) == url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("store", "file:///here/store"),
        ("./a b#1", "file:///here/a b#1"),
        ("/srv/store", "file:///srv/store"),
    ],
)
def test_a_folder(text: str, url: str) -> None:
    assert read_remote(text, FOLDER) == url


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "remote= is empty"),
        ("ftp://host/a", "remote= is of the kind ftp://, which is not known"),
        ("s3:///a", "remote=s3:// names no bucket"),
        ("https:///a", "remote=https:// names no host"),
        ("file://srv", "remote=file:// needs three slashes and a folder"),
        ("http://host:99999/a", "remote= is not a valid address: Port out of range 0-65535"),
        ("https://host/a?b=c", "remote= has a ? or #, which the address of a folder cannot have"),
        ("s3://key:secret@bucket", "remote=s3:// has a password in it"),
    ],
)
def test_what_is_no_address(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_remote(text, FOLDER)
    assert caught.value.message == message
    assert "secret" not in str(caught.value)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError) as caught:
        read_remote("s3://bucket", FOLDER)
    assert caught.value.message == "remote=s3://... needs the Python package s3fs"
    assert caught.value.hint == "install it where doit is: pip install s3fs"
    assert read_remote("store", FOLDER) == "file:///here/store"


def test_a_build_knows_it() -> None:
    words = {"distro": "archlinux", "board": "x64-uefi"}
    plain = read_build(words, FOLDER)
    build = read_build({**words, "remote": "s3://bucket"}, FOLDER)
    assert plain and build
    assert (plain.remote, build.remote) == ("", "s3://bucket")
    assert plain.settings_fingerprint == build.settings_fingerprint
