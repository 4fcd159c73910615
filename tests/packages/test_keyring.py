"""Keyrings: what is trusted, and how each distrust is told, by the real gpg and without it alike.

What is read of a keyring package is in test_keyring_files.py, other kinds of keys and signatures
are in test_openpgp_trust.py.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager import limits, process
from aimager.errors import CommandError, HostError, TrustError
from aimager.packages.keyring import make_home
from tests.support.locked import make_package
from tests.support.packagers import (
    FILE,
    OLD,
    PACKAGE,
    TOOLS,
    WAYS,
    Judge,
    KeyringOf,
    Packagers,
    refusal,
    short_folder,
    store_package,
)

pytestmark = pytest.mark.skipif(
    not shutil.which("gpg", path=process.ENVIRONMENT["PATH"]),
    reason="gpg is missing: NOTHING of the keyring is tested",
)


@pytest.fixture(scope="module", params=WAYS)
def keyring_of(request: pytest.FixtureRequest) -> KeyringOf:
    """Makes what verifies packages of keys, trusted and revoked ones."""
    return WAYS[request.param]


@pytest.fixture(scope="module")
def packagers(keyring_of: KeyringOf) -> Iterator[Packagers]:
    """For each way anew, for one is revoked in between."""
    with short_folder() as folder:
        yield Packagers(folder / "p")


@pytest.fixture(scope="module")
def judge(packagers: Packagers, keyring_of: KeyringOf) -> Iterator[Judge]:
    """A keyring of all keys but the stranger's, of which the master keys are trusted."""
    names = ("master", "second", "third", "packager", "expired", "revoked")
    keys = packagers.export(*(getattr(packagers, name) for name in names))
    with keyring_of(keys, packagers.masters) as judge:
        yield judge


def test_a_packagers_signature_is_good(packagers: Packagers, judge: Judge, tmp_path: Path) -> None:
    path = store_package(tmp_path, b"content", packagers.sign(packagers.packager, b"content"))
    assert judge([PACKAGE], tmp_path) == {"demo": packagers.packager}
    assert path.with_name(f"{FILE}.sig").exists()
    assert judge([], tmp_path) == {}


def test_a_master_keys_signature_is_good(
    packagers: Packagers, judge: Judge, tmp_path: Path
) -> None:
    store_package(tmp_path, b"content", packagers.sign(packagers.master, b"content"))
    assert judge([PACKAGE], tmp_path) == {"demo": packagers.master}


def test_one_bad_package_among_many_is_found(
    packagers: Packagers, judge: Judge, tmp_path: Path
) -> None:
    packages = [make_package(f"p{number}") for number in range(12)]
    good = packagers.sign(packagers.packager, b"content")
    for package in packages:
        path = package.path(tmp_path)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"content")
        path.with_name(f"{package.file}.sig").write_bytes(good)
    assert set(judge(packages, tmp_path)) == {p.name for p in packages}
    packages[7].path(tmp_path).write_bytes(b"Content")
    with pytest.raises(TrustError, match=r"^the package p7 1\.0-1 is not trusted: "):
        judge(packages, tmp_path)


def test_a_changed_package(packagers: Packagers, judge: Judge, tmp_path: Path) -> None:
    store_package(tmp_path, b"evil", packagers.sign(packagers.packager, b"content"))
    key = packagers.packager[-16:]
    assert refusal(judge, tmp_path) == f"was changed after the key {key} signed it"


def test_a_signature_that_is_none(packagers: Packagers, judge: Judge, tmp_path: Path) -> None:
    for garbage in (b"", b"<html>404</html>", b"\x88\x75\x04\x00", b"x" * 10_000):
        store_package(tmp_path, b"content", garbage)
        assert refusal(judge, tmp_path) == "has a signature file that does not hold a signature"


def test_a_file_of_more_signatures_than_pacman_reads(
    packagers: Packagers, judge: Judge, tmp_path: Path
) -> None:
    """All of them good (libalpm's be_package.c: MAX_SIGFILE_SIZE)."""
    good = packagers.sign(packagers.packager, b"content")
    store_package(tmp_path, b"content", good * (limits.SIGNATURE // len(good)))
    assert judge([PACKAGE], tmp_path) == {"demo": packagers.packager}
    store_package(tmp_path, b"content", good * (limits.SIGNATURE // len(good) + 1))
    assert refusal(judge, tmp_path) == "has a signature file that does not hold a signature"


@pytest.mark.parametrize("how", ["--clearsign", "--sign"])
def test_a_signed_message_is_no_signature_of_a_package(
    packagers: Packagers, judge: Judge, tmp_path: Path, how: str
) -> None:
    options = [*OLD, "--local-user", packagers.packager, how, "--output", "-"]
    store_package(tmp_path, b"evil", packagers.gpg(options, b"a letter\n"))
    assert refusal(judge, tmp_path) == "has a signature file that does not hold a signature"


def test_a_missing_signature(judge: Judge, tmp_path: Path) -> None:
    store_package(tmp_path, b"content", b"").with_name(f"{FILE}.sig").unlink()
    assert refusal(judge, tmp_path) == "has a signature file that does not hold a signature"


def test_an_unknown_key(packagers: Packagers, judge: Judge, tmp_path: Path) -> None:
    store_package(tmp_path, b"content", packagers.sign(packagers.stranger, b"content"))
    key = packagers.stranger[-16:]
    assert refusal(judge, tmp_path) == f"is signed by the key {key}, which is not in the keyring"


def test_a_key_that_nobody_vouches_for(
    packagers: Packagers, keyring_of: KeyringOf, tmp_path: Path
) -> None:
    keys = packagers.export(*packagers.masters, packagers.stranger)
    with keyring_of(keys, packagers.masters) as judge:
        store_package(tmp_path, b"content", packagers.sign(packagers.stranger, b"content"))
        assert refusal(judge, tmp_path) == (
            f"is signed by the key {packagers.stranger}, which no pinned master key vouches for"
        )


def test_three_master_keys_of_arch_linuxs_level_must_agree(
    packagers: Packagers, keyring_of: KeyringOf, tmp_path: Path
) -> None:
    masters = packagers.masters
    key = packagers.make_key("agreed", "never")
    packagers.certify(key, *masters[:2])
    with keyring_of(packagers.export(key, *masters), masters) as judge:
        store_package(tmp_path, b"content", packagers.sign(key, b"content"))
        assert refusal(judge, tmp_path).startswith(f"is signed by the key {key}, which no pinned ")
    packagers.certify(key, masters[2])
    with keyring_of(packagers.export(key, *masters), masters) as judge:
        store_package(tmp_path, b"content", packagers.sign(key, b"content"))
        assert judge([PACKAGE], tmp_path) == {"demo": key}


def test_an_expired_key(packagers: Packagers, judge: Judge, tmp_path: Path) -> None:
    store_package(tmp_path, b"content", packagers.sign(packagers.expired, b"content"))
    key = packagers.expired[-16:]
    assert refusal(judge, tmp_path) == (
        f"is signed by the key {key} (expired <expired@example.org>), which has expired on"
        " 2020-12-31"
    )


def test_a_revoked_key(
    packagers: Packagers, judge: Judge, keyring_of: KeyringOf, tmp_path: Path
) -> None:
    signature = packagers.sign(packagers.revoked, b"content")
    store_package(tmp_path, b"content", signature)
    assert judge([PACKAGE], tmp_path) == {"demo": packagers.revoked}
    packagers.revoke()
    keys = packagers.export(*packagers.masters, packagers.revoked)
    with keyring_of(keys, packagers.masters) as newer:
        key = packagers.revoked[-16:]
        assert refusal(newer, tmp_path) == (
            f"is signed by the key {key} (revoked <revoked@example.org>), which is revoked"
        )


def test_a_key_that_the_distribution_revoked(
    packagers: Packagers, keyring_of: KeyringOf, tmp_path: Path
) -> None:
    keys = packagers.export(*packagers.masters, packagers.packager)
    revoked = ("0" * 40, packagers.packager)
    with keyring_of(keys, packagers.masters, revoked) as judge:
        store_package(tmp_path, b"content", packagers.sign(packagers.packager, b"content"))
        key = packagers.packager[-16:]
        assert refusal(judge, tmp_path) == (
            f"is signed by the key {key}, which is not in the keyring"
        )


def test_a_pinned_key_must_be_among_the_keys(packagers: Packagers, keyring_of: KeyringOf) -> None:
    keys = packagers.export(packagers.packager)
    with pytest.raises(TrustError) as caught, keyring_of(keys, packagers.masters):
        pass
    assert caught.value.message == (
        f"the pinned key {packagers.master} is not among the keyring's keys"
    )


def test_a_home_is_private_and_as_pacman_knows_it() -> None:
    with short_folder() as folder:
        make_home(TOOLS, folder / "k")
        assert (folder / "k").stat().st_mode & 0o777 == 0o700
        assert (folder / "k/pubring.gpg").stat().st_size
        assert not (folder / "k/pubring.kbx").exists()


def test_a_path_too_long_for_gpg_is_told() -> None:
    with short_folder() as folder:
        home = folder / ("d" * 100)
        try:
            make_home(TOOLS, home)
        except (HostError, CommandError) as error:
            assert "gpg" in str(error)
        else:  # where there is a /run/user, gpg-agent's socket lies there
            assert any((home / "private-keys-v1.d").glob("*.key"))
