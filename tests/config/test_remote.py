"""The address of a shared store is refused in a sentence, or taken as it is."""

import importlib.util
from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.config.remote import read_remote
from aimager.errors import ConfigError
from aimager.model.remote import RecordTrust

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


WORDS = {"distro": "archlinux", "board": "x64-uefi"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files that words name."""
    for name in ("key", "allowed", "revoked"):
        (tmp_path / name).touch()
    return tmp_path


def test_a_build_knows_it(folder: Path) -> None:
    plain = read_build(WORDS, folder)
    given = {"remote": "s3://bucket", "remote-unsigned": "yes"}
    build = read_build({**WORDS, **given}, folder)
    assert plain and build
    assert (plain.remote, build.remote) == ("", "s3://bucket")
    assert (plain.remote_trust, build.remote_trust) == (RecordTrust(), RecordTrust(unsigned=True))
    assert plain.settings_fingerprint == build.settings_fingerprint


def test_a_build_knows_whose_products_to_take(folder: Path) -> None:
    given = {"key": "key", "allowed-signers": "./allowed", "revoked-keys": str(folder / "revoked")}
    words = {f"remote-{name}": value for name, value in given.items()}
    build = read_build({**WORDS, "remote": "store", **words, "sign": "key"}, folder)
    assert build
    assert build.remote_trust == RecordTrust(
        key=folder / "key", allowed=folder / "allowed", revoked=folder / "revoked"
    )
    assert build.sign == folder / "key"
    assert read_build({**WORDS, "remote-unsigned": "no"}, folder)
    for some in ({"remote-key": "key"}, {"remote-allowed-signers": "allowed"}):
        assert read_build({**WORDS, "remote": "store", **some}, folder)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("remote=store", "remote= does not say whose products to take from the store"),
        (
            "remote=store remote-unsigned=no",
            "remote= does not say whose products to take from the store",
        ),
        ("remote-key=key", "remote-key= has no effect without remote="),
        ("remote-allowed-signers=allowed", "remote-allowed-signers= has no effect without remote="),
        ("remote-unsigned=yes", "remote-unsigned= has no effect without remote="),
        (
            "remote=store remote-key=key remote-revoked-keys=revoked",
            "remote-revoked-keys= has no effect without remote-allowed-signers=",
        ),
        (
            "remote=store remote-unsigned=yes remote-allowed-signers=allowed",
            "remote-unsigned=yes and remote-allowed-signers= do not go together",
        ),
        ("remote=store remote-unsigned=perhaps", "remote-unsigned=perhaps is neither yes nor no"),
        ("remote=store remote-key=none", "remote-key=none: there is no such file"),
        ("remote=store remote-key=.", "remote-key=.: there is no such file"),
        (
            "remote=store remote-allowed-signers=none",
            "remote-allowed-signers=none: there is no such file",
        ),
        (
            "remote=store remote-allowed-signers=allowed remote-revoked-keys=none",
            "remote-revoked-keys=none: there is no such file",
        ),
        ("sign=none", "sign=none: there is no such file"),
        ("sign=/dev/null", "sign=/dev/null: there is no such file"),
    ],
)
def test_words_that_do_not_go_together(folder: Path, words: str, message: str) -> None:
    given = dict(word.split("=", 1) for word in words.split())
    with pytest.raises(ConfigError) as caught:
        read_build({**WORDS, **given}, folder)
    assert caught.value.message == message
    assert caught.value.hint
