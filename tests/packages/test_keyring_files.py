"""What is read of a keyring package, and what of that is pinned."""

import base64
import io
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.errors import ConfigError, TrustError
from aimager.model.distro import Keyring
from aimager.model.lock import Lock, LockedPackage
from aimager.packages.keyring_files import KeyringFiles, keyring_files, read_keyring
from aimager.packages.keyring_trust import choose
from aimager.packages.user_key_check import ReadKeyring
from tests.support.locked import make_package
from tests.support.openpgp_maker import Secret, plain

KEYS = ("A" * 40, "B" * 40)
KEYRING = Keyring("demo", "demo-keyring", (KEYS[0],))
RING = plain(Secret("one", 1), b"one", 1).packets()
INFO = "pkgname = demo-keyring\npkgver = 1.0-1\nbuilddate = 7\n"


def keyring_package(
    store: Path,
    info: str = INFO,
    *,
    others: Sequence[str] = (),
    kiro_trusted: str = "",
    **members: str,
) -> LockedPackage:
    package = make_package("demo-keyring", file="demo-keyring-1-1-any.pkg.tar")
    path = package.path(store)
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = "usr/share/pacman/keyrings"
    files = {
        f"{folder}/demo{'.' if end == 'gpg' else '-'}{end}": text for end, text in members.items()
    }
    files |= {f"{folder}/{name}.gpg": "other keys" for name in others}
    files |= {f"{folder}/kiro-trusted": kiro_trusted} if kiro_trusted else {}
    with tarfile.open(path, "w") as archive:
        for name, text in {".PKGINFO": info, **files}.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return package


def test_a_keyring_is_read_from_its_package(tmp_path: Path) -> None:
    trusted = f"# masters\n{KEYS[0].lower()}:4:\n{KEYS[1]}:5:\nDEAD:4:\n"
    package = keyring_package(tmp_path, gpg="keys", trusted=trusted, revoked=f"{'c' * 40}\n")
    files = read_keyring(package, tmp_path, KEYRING)
    assert files == KeyringFiles(b"keys", KEYS, ("C" * 40,), "1.0-1", 7)
    whole = replace(files, keys=RING)
    assert choose(ReadKeyring(KEYRING, whole, "x")).masters == KEYS[:1]


@pytest.mark.parametrize(
    ("line", "chosen"),
    [
        (f"{KEYS[0]}:4:", KEYS[:1]),
        (f"{KEYS[0]}:6:", KEYS[:1]),
        (f"{KEYS[0]}:4", KEYS[:1]),
        (f"{KEYS[0]}", KEYS[:1]),
        (f"{KEYS[0]}:3:", ()),
        (f"{KEYS[0]}:1:", ()),
        (f"{KEYS[0]}:{'9' * 5000}:", ()),
        (f"{KEYS[0]}:\N{FULLWIDTH DIGIT FOUR}:", ()),
    ],
)
def test_a_package_chooses_among_keys_and_says_nothing_of_their_level(
    tmp_path: Path, line: str, chosen: tuple[str, ...]
) -> None:
    package = keyring_package(tmp_path, gpg="keys", trusted=f"{line}\n")
    assert read_keyring(package, tmp_path, KEYRING).trusted == chosen


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("c" * 40, "C" * 40),
        ("C" * 16, "C" * 16),
        ("C" * 8, "C" * 8),
        (f"0x{'c' * 16}", "C" * 16),
        ("CCCC CCCC CCCC CCCC CCCC  CCCC CCCC CCCC CCCC CCCC", "C" * 40),
        (f"  {'C' * 40}\t# left in 2019", "C" * 40),
        (f"{'C' * 40}\r", "C" * 40),
        (f"# {'D' * 40}\n{'C' * 40}", "C" * 40),
        (f"{'C' * 40}\n# a\x0b{'D' * 40}", "C" * 40),
    ],
)
def test_revoked_keys_are_named_in_every_form(tmp_path: Path, line: str, read: str) -> None:
    package = keyring_package(tmp_path, gpg="keys", trusted="", revoked=line)
    assert read_keyring(package, tmp_path, KEYRING).revoked == (read,)


@pytest.mark.parametrize("line", ["somebody@example.org", "C" * 39, "C" * 40 + ":4:", "CCCC"])
def test_who_is_revoked_must_be_known(tmp_path: Path, line: str) -> None:
    package = keyring_package(tmp_path, gpg="keys", trusted="", revoked=f"{line}\n")
    with pytest.raises(TrustError) as caught:
        read_keyring(package, tmp_path, KEYRING)
    assert caught.value.message == (
        f"{package.file} names a revoked key as {line!r}, which is neither a fingerprint nor a key"
        " id"
    )


@pytest.mark.parametrize(
    ("others", "told"), [((), ""), (("one", "two"), ", but one and two")], ids=["none", "several"]
)
def test_a_package_without_the_keyring(tmp_path: Path, others: tuple[str, ...], told: str) -> None:
    package = keyring_package(tmp_path, trusted=KEYS[0], others=others)
    with pytest.raises(TrustError) as caught:
        read_keyring(package, tmp_path, KEYRING)
    assert caught.value.message == f"{package.file} holds no keyring demo{told}"
    assert "key-file-demo=FILE" in caught.value.hint


@pytest.mark.parametrize(
    ("listed", "trusted"), [("", KEYS[:1]), (f"{KEYS[1]}:4:\n", KEYS[1:])], ids=["bare", "listed"]
)
def test_the_only_keyring_of_a_package_is_meant_whatever_its_name(
    tmp_path: Path, listed: str, trusted: tuple[str, ...]
) -> None:
    """The keys are pinned, so that its name decides nothing."""
    package = keyring_package(tmp_path, others=("kiro",), kiro_trusted=listed)
    files = read_keyring(package, tmp_path, KEYRING)
    assert (files.keys, files.trusted) == (b"other keys", trusted)


def test_its_own_keyring_is_meant_before_others(tmp_path: Path) -> None:
    package = keyring_package(tmp_path, gpg="keys", others=("kiro",))
    assert read_keyring(package, tmp_path, KEYRING).keys == b"keys"


def test_without_a_list_the_pinned_keys_are_meant(tmp_path: Path) -> None:
    package = keyring_package(tmp_path, gpg="keys")
    assert read_keyring(package, tmp_path, KEYRING).trusted == KEYRING.master_keys


@pytest.mark.parametrize(
    ("info", "said"),
    [
        (INFO.replace("1.0-1", "0.9-1"), "demo-keyring 0.9-1"),
        (INFO.replace("demo-", "other-"), "other-keyring 1.0-1"),
        ("", "nothing"),
    ],
)
def test_a_package_is_what_the_database_says(tmp_path: Path, info: str, said: str) -> None:
    """So that no mirror calls an old keyring a new one."""
    package = keyring_package(tmp_path, info, gpg="keys")
    with pytest.raises(TrustError) as caught:
        read_keyring(package, tmp_path, KEYRING)
    assert caught.value.message == (
        f"the database calls {package.file} demo-keyring 1.0-1, and the package itself says that it"
        f" is {said}"
    )


@pytest.mark.parametrize("date", ["9" * 5000, "9" * 19, "-1", "\N{SUPERSCRIPT TWO}", "soon", ""])
def test_what_is_no_time_is_the_beginning_of_it(tmp_path: Path, date: str) -> None:
    """So that the package is older than any that was used."""
    package = keyring_package(tmp_path, INFO.replace("= 7", f"= {date}"), gpg="keys")
    assert read_keyring(package, tmp_path, KEYRING).built == 0


@pytest.mark.parametrize("trusted", [(), KEYS[1:]])
def test_no_pinned_key_no_trust(trusted: tuple[str, ...]) -> None:
    with pytest.raises(TrustError) as caught:
        files = KeyringFiles(RING, trusted, ())
        choose(ReadKeyring(KEYRING, files, "demo 1.0-1 (demo-1.0-1-x86_64.pkg.tar.zst)"))
    named = KEYS[1] if trusted else "(none)"
    assert caught.value.message == (
        f"the package demo 1.0-1 (demo-1.0-1-x86_64.pkg.tar.zst) trusts the keys {named}, none of"
        f" which is pinned for the keyring demo: {KEYS[0]}"
    )
    assert "trust-key=" in caught.value.hint


def test_keys_may_come_from_a_package_or_be_the_users(tmp_path: Path) -> None:
    package = keyring_package(tmp_path, gpg="keys", trusted=f"{KEYS[0]}:4:\n")
    lock = Lock("x", (), (package,))
    files, source = keyring_files(lock, tmp_path, KEYRING)
    assert (files, source) == (
        KeyringFiles(b"keys", KEYS[:1], (), "1.0-1", 7),
        "demo-keyring 1.0-1 (demo-keyring-1-1-any.pkg.tar)",
    )
    own = Keyring("mine", "", KEYS, keys=base64.b64encode(b"keys").decode())
    files, source = keyring_files(lock, tmp_path, own)
    assert (files, source) == (
        KeyringFiles(b"keys", KEYS, ()),
        "mine",
    )
    with pytest.raises(ConfigError, match="the lock of x does not have other-keyring"):
        keyring_files(lock, tmp_path, Keyring("other", "other-keyring", KEYS))
