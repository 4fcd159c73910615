"""No keyring package, authenticated or not, decides how far a pinned key is trusted, or brings back
what a newer one revoked: by gpg and without it."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from aimager import process
from aimager.archive import pack_members
from aimager.errors import TrustError
from aimager.model.distro import Keyring
from aimager.model.lock import Lock
from aimager.packages.keyring import key_members, make_keyring, verify_without_gpg
from aimager.packages.keyring_memory import Memory
from aimager.packages.keyring_trust import trusted_keys
from aimager.packages.user_key_check import Elsewhere
from tests.support.locked import make_package
from tests.support.packagers import TOOLS, Packagers, short_folder

pytestmark = pytest.mark.skipif(
    not shutil.which("gpg", path=process.ENVIRONMENT["PATH"]),
    reason="gpg is missing: NOTHING of pinned levels is tested",
)


@dataclass(frozen=True)
class Published:
    """A keyring package that lies in a store, signed by a key, and the lock of it."""

    store: Path
    lock: Lock
    keyring: Keyring

    def by_gpg(
        self, memory: Memory, *, older: bool = False, elsewhere: Sequence[Elsewhere] = ()
    ) -> Memory:
        with short_folder() as folder:
            how = ([self.keyring], self.lock, self.store, memory, older, elsewhere)
            return make_keyring(TOOLS, folder / "k", *how).memory

    def without_gpg(
        self, memory: Memory, *, older: bool = False, elsewhere: Sequence[Elsewhere] = ()
    ) -> Memory:
        how = (self.store, memory, older, elsewhere)
        verify_without_gpg([self.keyring], self.lock, [], *how)
        return memory


WAYS = {"gpg": Published.by_gpg, "without-gpg": Published.without_gpg}


def publish(
    packagers: Packagers,
    store: Path,
    trusted: str,
    signer: str,
    built: int = 1000,
    revoked: str = "",
) -> Published:
    files = {"gpg": packagers.export(), "trusted": trusted.encode(), "revoked": revoked.encode()}
    made = lay(store, files, partial(packagers.sign, signer), built)
    return replace(made, keyring=replace(made.keyring, master_keys=packagers.masters))


def lay(
    store: Path, files: dict[str, bytes], sign: Callable[[bytes], bytes], built: int = 1000
) -> Published:
    """The same of any files of a keyring, and without a pinned key."""
    version = f"{built}-1"
    package = make_package("demo-keyring", version=version, file="k.pkg.tar", build_date=built)
    info = f"pkgname = demo-keyring\npkgver = {version}\nbuilddate = {built}\n"
    start = "usr/share/pacman/keyrings/demo"
    ends = {"gpg": ".gpg", "trusted": "-trusted", "revoked": "-revoked"}
    members = [(f"{start}{ends[name]}", content) for name, content in files.items()]
    content = pack_members([(".PKGINFO", info.encode()), *members])
    package = replace(package, sha256=f"{built:064x}")
    path = package.path(store)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    package.signature(store).write_bytes(sign(content))
    return Published(
        store, Lock("demo-x86_64", (), (package,)), Keyring("demo", "demo-keyring", ())
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("level", ["4", "5", "6"])
def test_one_master_is_not_enough_whatever_the_package_says(
    packagers: Packagers, tmp_path: Path, way: str, level: str
) -> None:
    """S4: a packager whom one master certified signs the package that says so."""
    key = packagers.make_key(f"of-one-{way}-{level}", "never")
    packagers.certify(key, packagers.master)
    trusted = "".join(f"{master}:{level}:\n" for master in packagers.masters)
    published = publish(packagers, tmp_path, trusted, key)
    with pytest.raises(TrustError, match="which no pinned master key vouches for"):
        WAYS[way](published, Memory())


@pytest.mark.parametrize("way", WAYS)
def test_a_repository_of_one_key_works(packagers: Packagers, tmp_path: Path, way: str) -> None:
    published = publish(packagers, tmp_path, f"{packagers.master}:4:\n", packagers.master)
    one = replace(published.keyring, master_keys=(packagers.master,))
    WAYS[way](replace(published, keyring=one), Memory())


@pytest.mark.parametrize("way", WAYS)
def test_a_package_may_choose_among_pinned_keys(
    packagers: Packagers, tmp_path: Path, way: str
) -> None:
    """Of three that agree, it leaves one out."""
    trusted = "".join(f"{master}:4:\n" for master in packagers.masters[:2])
    published = publish(packagers, tmp_path, trusted, packagers.packager)
    with pytest.raises(TrustError, match="which no pinned master key vouches for"):
        WAYS[way](published, Memory())


def test_an_older_package_is_refused_and_newer_revocations_stay(
    packagers: Packagers, tmp_path: Path
) -> None:
    trusted = "".join(f"{master}:4:\n" for master in packagers.masters)
    key = packagers.packager
    old = publish(packagers, tmp_path, trusted, key, 1000)
    new = publish(packagers, tmp_path, trusted, packagers.master, 2000, f"{key[-16:]}\n")
    memory = old.by_gpg(Memory())
    assert memory.revoked == {}
    memory = new.by_gpg(memory)
    assert memory.revoked == {"demo": (key[-16:],)}
    for way in WAYS.values():
        with pytest.raises(TrustError) as caught:
            way(old, memory)
        told = "demo-keyring 1000-1 is older than 2000-1, which was used for demo-x86_64 before: "
        assert caught.value.message.startswith(told)
        assert "older-keyring=yes" in caught.value.hint
    (package,) = old.lock.packages
    content = package.path(tmp_path).read_bytes()
    for way in WAYS.values():
        with pytest.raises(TrustError, match=f"signed by the key {key[-16:]}, which is not in the"):
            way(old, memory, older=True)
        package.signature(tmp_path).write_bytes(packagers.sign(key, content))
    package.signature(tmp_path).write_bytes(packagers.sign(packagers.master, content))
    assert old.by_gpg(memory, older=True).newest == memory.newest
    laid = dict(key_members(trusted_keys([old.keyring], old.lock, tmp_path, memory.revoked)))
    assert laid["demo-revoked"] == f"{key[-16:]}\n".encode()
