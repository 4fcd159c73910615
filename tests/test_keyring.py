"""Keyrings, by the real gpg: what is trusted, and how each distrust is told.

What is read of a keyring package is in test_keyring_files.py.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from locked import make_package

from aimager import process
from aimager.errors import CommandError, HostError, TrustError
from aimager.keyring import KeyringFiles, make_home, populate, verify
from aimager.toolbox import Toolbox

pytestmark = pytest.mark.skipif(
    not shutil.which("gpg", path=process.ENVIRONMENT["PATH"]),
    reason="gpg is missing: NOTHING of the keyring is tested",
)

TOOLS = Toolbox(None)
PACKAGE = make_package("demo")
FILE = PACKAGE.file
OLD = ["--faked-system-time", "20200101T000000!"]


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder whose path has room for gpg-agent's socket."""
    with tempfile.TemporaryDirectory(prefix="aim", dir="/tmp") as name:
        try:
            yield Path(name)
        finally:
            for home in Path(name).iterdir():
                subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)


class Packagers:
    """The keys of a distribution's packagers, most of them certified by its master key."""

    def __init__(self, home: Path) -> None:
        home.mkdir(mode=0o700)
        self.home = home
        self.master = self.make_key("master", "never")
        self.second = self.make_key("second", "never")
        self.third = self.make_key("third", "never")
        self.packager = self.make_key("packager", "never")
        self.expired = self.make_key("expired", "1y")
        self.revoked = self.make_key("revoked", "never")
        self.stranger = self.make_key("stranger", "never")
        for key in (self.packager, self.expired, self.revoked):
            self.certify(key, self.master)

    def gpg(self, arguments: list[str], input: bytes = b"") -> bytes:
        options = ["--homedir", str(self.home), "--batch", "--quiet", "--yes", "--passphrase", ""]
        argv = ["gpg", *options, *arguments]
        return subprocess.run(argv, input=input, stdout=subprocess.PIPE, check=True).stdout

    def make_key(self, name: str, expires: str) -> str:
        user = f"{name} <{name}@example.org>"
        said = self.gpg(
            [*OLD, "--status-fd", "1", "--quick-gen-key", user, "ed25519", "sign", expires]
        )
        match = re.search(rb"KEY_CREATED P ([0-9A-F]{40})", said)
        assert match
        return match[1].decode()

    def certify(self, key: str, *masters: str) -> None:
        for master in masters:
            self.gpg([*OLD, "--local-user", master, "--quick-sign-key", key])

    def export(self, *keys: str) -> bytes:
        return self.gpg(["--export", *keys])

    def sign(self, key: str, content: bytes) -> bytes:
        options = [*OLD, "--local-user", key, "--detach-sign", "--output", "-"]
        return self.gpg(options, content)

    def revoke(self) -> None:
        text = (self.home / "openpgp-revocs.d" / f"{self.revoked}.rev").read_text()
        self.gpg(["--import"], text.replace(":-----BEGIN", "-----BEGIN").encode())


@pytest.fixture(scope="module")
def packagers() -> Iterator[Packagers]:
    with short_folder() as folder:
        yield Packagers(folder / "p")


@contextmanager
def keyring_of(
    keys: bytes, trusted: tuple[tuple[str, str], ...], revoked: tuple[str, ...] = ()
) -> Iterator[Path]:
    """The home of a keyring that is made of these."""
    with short_folder() as folder:
        make_home(TOOLS, folder / "k")
        populate(TOOLS, folder / "k", KeyringFiles(keys, trusted, revoked), trusted)
        yield folder / "k"


@pytest.fixture(scope="module")
def home(packagers: Packagers) -> Iterator[Path]:
    """A keyring of all keys but the stranger's, of which the master key is fully trusted."""
    names = ("master", "packager", "expired", "revoked")
    keys = packagers.export(*(getattr(packagers, name) for name in names))
    with keyring_of(keys, ((packagers.master, "5"),)) as home:
        yield home


def store_package(store: Path, content: bytes, signature: bytes) -> Path:
    path = PACKAGE.path(store)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.with_name(f"{FILE}.sig").write_bytes(signature)
    return path


def refusal(home: Path, store: Path) -> str:
    """What is said against the package after its name; its signature must be gone then."""
    with pytest.raises(TrustError) as caught:
        verify(TOOLS, home, [PACKAGE], store)
    assert "repo-url-parent=" in caught.value.hint
    start = f"the package demo 1.0-1 is not trusted: {FILE} "
    assert caught.value.message.startswith(start)
    # A file that was changed must not be found again.
    assert PACKAGE.path(store).exists() != ("was changed after" in caught.value.message)
    assert not PACKAGE.path(store).with_name(f"{FILE}.sig").exists()
    return caught.value.message.removeprefix(start)


def test_a_packagers_signature_is_good(packagers: Packagers, home: Path, tmp_path: Path) -> None:
    path = store_package(tmp_path, b"content", packagers.sign(packagers.packager, b"content"))
    assert verify(TOOLS, home, [PACKAGE], tmp_path) == {"demo": packagers.packager}
    assert path.with_name(f"{FILE}.sig").exists()
    assert verify(TOOLS, home, [], tmp_path) == {}


def test_a_master_keys_signature_is_good(packagers: Packagers, home: Path, tmp_path: Path) -> None:
    store_package(tmp_path, b"content", packagers.sign(packagers.master, b"content"))
    assert verify(TOOLS, home, [PACKAGE], tmp_path) == {"demo": packagers.master}


def test_one_bad_package_among_many_is_found(
    packagers: Packagers, home: Path, tmp_path: Path
) -> None:
    packages = [make_package(f"p{number}") for number in range(12)]
    good = packagers.sign(packagers.packager, b"content")
    for package in packages:
        path = package.path(tmp_path)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"content")
        path.with_name(f"{package.file}.sig").write_bytes(good)
    assert set(verify(TOOLS, home, packages, tmp_path)) == {p.name for p in packages}
    packages[7].path(tmp_path).write_bytes(b"Content")
    with pytest.raises(TrustError, match=r"^the package p7 1\.0-1 is not trusted: "):
        verify(TOOLS, home, packages, tmp_path)


def test_a_changed_package(packagers: Packagers, home: Path, tmp_path: Path) -> None:
    store_package(tmp_path, b"evil", packagers.sign(packagers.packager, b"content"))
    key = packagers.packager[-16:]
    assert refusal(home, tmp_path) == f"was changed after the key {key} signed it"


def test_a_signature_that_is_none(packagers: Packagers, home: Path, tmp_path: Path) -> None:
    for garbage in (b"", b"<html>404</html>", b"\x88\x75\x04\x00", b"x" * 10_000):
        store_package(tmp_path, b"content", garbage)
        assert refusal(home, tmp_path) == "has a signature file that is none"


@pytest.mark.parametrize("how", ["--clearsign", "--sign"])
def test_a_signed_message_is_no_signature_of_a_package(
    packagers: Packagers, home: Path, tmp_path: Path, how: str
) -> None:
    options = [*OLD, "--local-user", packagers.packager, how, "--output", "-"]
    store_package(tmp_path, b"evil", packagers.gpg(options, b"a letter\n"))
    assert refusal(home, tmp_path) == "has a signature file that is none"


def test_a_missing_signature(home: Path, tmp_path: Path) -> None:
    store_package(tmp_path, b"content", b"").with_name(f"{FILE}.sig").unlink()
    assert refusal(home, tmp_path) == "has a signature file that is none"


def test_an_unknown_key(packagers: Packagers, home: Path, tmp_path: Path) -> None:
    store_package(tmp_path, b"content", packagers.sign(packagers.stranger, b"content"))
    key = packagers.stranger[-16:]
    assert refusal(home, tmp_path) == f"is signed by the key {key}, which is not in the keyring"


def test_a_key_that_nobody_vouches_for(packagers: Packagers, tmp_path: Path) -> None:
    keys = packagers.export(packagers.master, packagers.stranger)
    with keyring_of(keys, ((packagers.master, "5"),)) as home:
        store_package(tmp_path, b"content", packagers.sign(packagers.stranger, b"content"))
        assert refusal(home, tmp_path) == (
            f"is signed by the key {packagers.stranger}, which no pinned master key vouches for"
        )


def test_three_master_keys_of_arch_linuxs_level_must_agree(
    packagers: Packagers, tmp_path: Path
) -> None:
    masters = (packagers.master, packagers.second, packagers.third)
    key = packagers.make_key("agreed", "never")
    trusted = tuple((master, "4") for master in masters)
    packagers.certify(key, *masters[:2])
    with keyring_of(packagers.export(key, *masters), trusted) as home:
        store_package(tmp_path, b"content", packagers.sign(key, b"content"))
        assert refusal(home, tmp_path).startswith(f"is signed by the key {key}, which no pinned ")
    packagers.certify(key, masters[2])
    with keyring_of(packagers.export(key, *masters), trusted) as home:
        store_package(tmp_path, b"content", packagers.sign(key, b"content"))
        assert verify(TOOLS, home, [PACKAGE], tmp_path) == {"demo": key}


def test_an_expired_key(packagers: Packagers, home: Path, tmp_path: Path) -> None:
    store_package(tmp_path, b"content", packagers.sign(packagers.expired, b"content"))
    key = packagers.expired[-16:]
    assert refusal(home, tmp_path) == (
        f"is signed by the key {key} (expired <expired@example.org>), which has expired"
    )


def test_a_revoked_key(packagers: Packagers, home: Path, tmp_path: Path) -> None:
    signature = packagers.sign(packagers.revoked, b"content")
    store_package(tmp_path, b"content", signature)
    assert verify(TOOLS, home, [PACKAGE], tmp_path) == {"demo": packagers.revoked}
    packagers.revoke()
    keys = packagers.export(packagers.master, packagers.revoked)
    with keyring_of(keys, ((packagers.master, "5"),)) as newer:
        key = packagers.revoked[-16:]
        assert refusal(newer, tmp_path) == (
            f"is signed by the key {key} (revoked <revoked@example.org>), which is revoked"
        )


def test_a_key_that_the_distribution_revoked(packagers: Packagers, tmp_path: Path) -> None:
    keys = packagers.export(packagers.master, packagers.packager)
    revoked = ("0" * 40, packagers.packager)
    with keyring_of(keys, ((packagers.master, "5"),), revoked) as home:
        store_package(tmp_path, b"content", packagers.sign(packagers.packager, b"content"))
        key = packagers.packager[-16:]
        assert refusal(home, tmp_path) == (
            f"is signed by the key {key}, which is not in the keyring"
        )


def test_a_pinned_key_must_be_among_the_keys(packagers: Packagers) -> None:
    keys = packagers.export(packagers.packager)
    with pytest.raises(TrustError) as caught, keyring_of(keys, ((packagers.master, "5"),)):
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
