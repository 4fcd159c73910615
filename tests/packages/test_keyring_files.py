"""What is read of a keyring package, and what of that is pinned."""

import io
import tarfile
from pathlib import Path

import pytest

from aimager.errors import ConfigError, TrustError
from aimager.model.distro import Keyring
from aimager.model.lock import Lock, LockedPackage
from aimager.packages.keyring import KeyringFiles, keyring_files, pinned, read_keyring
from tests.support.locked import make_package

KEYS = ("A" * 40, "B" * 40)
KEYRING = Keyring("demo", "demo-keyring", (KEYS[0],))


def keyring_package(store: Path, **members: str) -> LockedPackage:
    package = make_package("demo-keyring", file="demo-keyring-1-1-any.pkg.tar")
    path = package.path(store)
    path.parent.mkdir(parents=True)
    with tarfile.open(path, "w") as archive:
        for end, text in members.items():
            name = f"usr/share/pacman/keyrings/demo{'.' if end == 'gpg' else '-'}{end}"
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return package


def test_a_keyring_is_read_from_its_package(tmp_path: Path) -> None:
    trusted = f"# masters\n{KEYS[0].lower()}:4:\n{KEYS[1]}:3:\nDEAD:4:\n"
    package = keyring_package(tmp_path, gpg="keys", trusted=trusted, revoked=f"{'c' * 40}\n")
    files = read_keyring(package, tmp_path, KEYRING)
    assert files == KeyringFiles(b"keys", ((KEYS[0], "4"), (KEYS[1], "3")), ("C" * 40,))
    assert pinned(files, KEYRING, "x") == ((KEYS[0], "4"),)


def test_a_package_without_a_keyring(tmp_path: Path) -> None:
    package = keyring_package(tmp_path, gpg="keys")
    with pytest.raises(TrustError) as caught:
        read_keyring(package, tmp_path, KEYRING)
    assert caught.value.message == f"{package.file} holds no keyring demo"


@pytest.mark.parametrize("trusted", [(), ((KEYS[1], "4"),)])
def test_no_pinned_key_no_trust(trusted: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(TrustError) as caught:
        pinned(
            KeyringFiles(b"", trusted, ()), KEYRING, "demo 1.0-1 (demo-1.0-1-x86_64.pkg.tar.zst)"
        )
    named = KEYS[1] if trusted else "(none)"
    assert caught.value.message == (
        f"the package demo 1.0-1 (demo-1.0-1-x86_64.pkg.tar.zst) trusts the keys {named}, none of"
        f" which is pinned for the keyring demo: {KEYS[0]}"
    )
    assert "trust-key=" in caught.value.hint


def test_keys_may_come_from_a_package_or_be_the_users(tmp_path: Path) -> None:
    package = keyring_package(tmp_path, gpg="keys", trusted=f"{KEYS[0]}:3:\n")
    lock = Lock("x", (), (package,))
    files, source = keyring_files(lock, tmp_path, KEYRING)
    assert (files, source) == (
        KeyringFiles(b"keys", ((KEYS[0], "3"),), ()),
        "demo-keyring 1.0-1 (demo-keyring-1-1-any.pkg.tar)",
    )
    own = Keyring("mine", "", KEYS, keys="a2V5cw==")
    files, source = keyring_files(lock, tmp_path, own)
    assert (files, source) == (
        KeyringFiles(b"keys", ((KEYS[0], "4"), (KEYS[1], "4")), ()),
        "mine",
    )
    with pytest.raises(ConfigError, match="the lock of x does not have other-keyring"):
        keyring_files(lock, tmp_path, Keyring("other", "other-keyring", KEYS))
