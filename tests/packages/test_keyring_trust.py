"""Whom of a keyring is trusted, by gpg and without it: pinned keys, the user's, and a list that is
believed."""

import base64
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from aimager import process
from aimager.errors import TrustError
from aimager.model.distro import Keyring
from aimager.model.lock import Lock
from aimager.packages.keyring import key_members
from aimager.packages.keyring_files import KeyringFiles
from aimager.packages.keyring_memory import Memory
from aimager.packages.keyring_trust import choose, trusted_keys
from aimager.packages.openpgp.public_keys import list_keys
from aimager.packages.user_key_check import ReadKeyring
from tests.packages.test_pinned_levels import WAYS, Published, lay, publish
from tests.support.key_verdicts import FOLDER, KEYRINGS
from tests.support.locked import make_package
from tests.support.openpgp_maker import Description, Part, Secret, packet, plain
from tests.support.packagers import Packagers

pytestmark = pytest.mark.skipif(
    not shutil.which("gpg", path=process.ENVIRONMENT["PATH"]),
    reason="gpg is missing: NOTHING of whom is trusted is tested",
)
OTHER = b"other"
KIRO = ("pkg.tar.zst", "pkg.tar.zst.sig")
KEYRING = Keyring("demo", "demo-keyring", ())
each_way = pytest.mark.parametrize("way", WAYS)


@pytest.fixture(scope="module")
def signed_and_revoked(packagers: Packagers) -> bytes:
    """A signature by a key that its owner has revoked since."""
    signature = packagers.sign(packagers.revoked, OTHER)
    packagers.revoke()
    return signature


def listed(*keys: str) -> str:
    return "".join(f"{key}:4:\n" for key in keys)


def naming(published: Published, *keys: str) -> Published:
    """The same with keys that the user names."""
    return replace(published, keyring=replace(published.keyring, user_keys=keys))


def with_package(published: Published, signature: bytes) -> Published:
    """The same with one more package of the repository."""
    package = make_package("other", file="other.pkg.tar")
    path = package.path(published.store)
    path.parent.mkdir(parents=True)
    path.write_bytes(OTHER)
    package.signature(published.store).write_bytes(signature)
    packages = (*published.lock.packages, package)
    return replace(published, lock=replace(published.lock, packages=packages))


def refusal(published: Published, way: str) -> str:
    with pytest.raises(TrustError) as caught:
        WAYS[way](published, Memory())
    return caught.value.message


@each_way
@pytest.mark.parametrize("kind", ["primary", "subkey"])
def test_a_packagers_key_that_the_user_names_is_trusted(
    packagers: Packagers, tmp_path: Path, way: str, kind: str
) -> None:
    key = packagers.make_key(f"own-{way}-{kind}", "never")
    named = packagers.add_subkey(key, "never") if kind == "subkey" else key
    made = publish(packagers, tmp_path, listed(*packagers.masters), named)
    assert "which no pinned master key vouches for" in refusal(made, way)
    WAYS[way](naming(made, named), Memory())
    WAYS[way](
        naming(with_package(made, packagers.sign(packagers.packager, OTHER)), named), Memory()
    )
    laid = dict(key_members(trusted_keys([naming(made, named).keyring], made.lock, tmp_path)))
    assert laid["demo-signers"] == f"{key}\n".encode()
    assert laid["demo-trusted"] == listed(*sorted(packagers.masters)).encode()


@each_way
def test_such_keys_vouch_for_none(packagers: Packagers, tmp_path: Path, way: str) -> None:
    named = [packagers.make_key(f"named-{way}-{number}", "never") for number in range(3)]
    key = packagers.make_key(f"of-named-{way}", "never")
    packagers.certify(key, *named)
    made = publish(packagers, tmp_path, listed(*packagers.masters), key)
    assert "which no pinned master key vouches for" in refusal(naming(made, *named), way)


@each_way
def test_a_master_key_that_the_user_names_takes_the_place_of_the_pinned_ones(
    packagers: Packagers, tmp_path: Path, way: str
) -> None:
    own = packagers.stranger
    made = publish(packagers, tmp_path, listed(own, *packagers.masters), own)
    WAYS[way](naming(made, own), Memory())
    more = with_package(made, packagers.sign(packagers.packager, OTHER))
    assert "which no pinned master key vouches for" in refusal(naming(more, own), way)


@each_way
def test_a_list_is_believed_once_pinned_keys_vouch_for_its_package(
    packagers: Packagers, tmp_path: Path, way: str
) -> None:
    """As pacman-key does: also with one in it that is not in the keyring."""
    trusted = listed(packagers.master, packagers.stranger, "AB" * 20)
    made = publish(packagers, tmp_path, trusted, packagers.master)
    pinned = replace(made.keyring, master_keys=(packagers.master,))
    more = with_package(replace(made, keyring=pinned), packagers.sign(packagers.stranger, OTHER))
    assert "which no pinned master key vouches for" in refusal(more, way)
    WAYS[way](replace(more, keyring=replace(pinned, believes_list=True)), Memory())


@each_way
@pytest.mark.parametrize("lists", [False, True])
@pytest.mark.parametrize("signer", ["first", "last"])
def test_a_pin_that_the_list_does_not_have_costs_nothing(
    packagers: Packagers, tmp_path: Path, way: str, lists: bool, signer: str
) -> None:
    """As archlinuxcn's last pin, whose packages are for aarch64 alone."""
    *first, last = packagers.masters
    named = listed(*first, packagers.stranger, *([last] if lists else []))
    made = publish(packagers, tmp_path, named, first[0] if signer == "first" else last)
    keyring = replace(made.keyring, believes_list=True)
    if signer == "first" or lists:
        WAYS[way](replace(made, keyring=keyring), Memory())
    else:
        told = refusal(replace(made, keyring=keyring), way)
        assert told.endswith(f"by the key {last}, which no pinned master key vouches for")


@each_way
def test_no_list_is_believed_before(packagers: Packagers, tmp_path: Path, way: str) -> None:
    trusted = listed(packagers.master, packagers.stranger)
    made = publish(packagers, tmp_path, trusted, packagers.stranger)
    pinned = replace(made.keyring, master_keys=(packagers.master,), believes_list=True)
    told = refusal(replace(made, keyring=pinned), way)
    assert told.startswith("the package demo-keyring 1000-1 is not trusted: ")
    assert "which no pinned master key vouches for" in told


@each_way
@pytest.mark.parametrize("believes", [False, True])
def test_a_master_key_that_its_owner_revoked_vouches_for_none(
    packagers: Packagers, signed_and_revoked: bytes, tmp_path: Path, way: str, believes: bool
) -> None:
    trusted = listed(packagers.revoked, *packagers.masters)
    made = publish(packagers, tmp_path, trusted, packagers.packager)
    pins = (*packagers.masters, *(() if believes else (packagers.revoked,)))
    keyring = replace(made.keyring, master_keys=pins, believes_list=believes)
    WAYS[way](replace(made, keyring=keyring), Memory())
    more = with_package(replace(made, keyring=keyring), signed_and_revoked)
    assert refusal(more, way).endswith("which is revoked")


def test_a_key_without_a_user_id_is_told() -> None:
    bare, whole = Secret("bare", 1), Secret("whole", 1)
    ring = Description(bare, [Part(0)]).packets() + plain(whole, b"whole", 1).packets()
    prints = [key.fingerprint.hex().upper() for key in (bare, whole)]
    keyring = replace(KEYRING, user_keys=tuple(prints))
    with pytest.raises(TrustError) as caught:
        choose(ReadKeyring(keyring, KeyringFiles(ring, (), ()), "demo 1.0-1 (demo.pkg)"))
    assert caught.value.message == (
        f"the key {prints[0]} has no user id in the keyring of demo 1.0-1 (demo.pkg), and gpg takes"
        " no key without one"
    )
    keyring = replace(KEYRING, user_keys=tuple(prints[1:]))
    chosen = choose(ReadKeyring(keyring, KeyringFiles(ring, (), ()), "demo"))
    assert (chosen.masters, chosen.signers) == ((), tuple(prints[1:]))


def test_what_is_cut_out_of_a_keyring_is_the_whole_key() -> None:
    keys = [Secret(name, 1) for name in ("one", "two")]
    parts = [plain(key, b"user", 1).packets() for key in keys]
    found = list_keys(b"".join(parts) + parts[0])
    assert [key.content for key in found.values()] == [parts[0] * 2, parts[1]]


HIDDEN = plain(Secret("hidden", 1), b"hidden", 1).packets()


@each_way
@pytest.mark.parametrize(
    ("more", "told"),
    [
        (packet(5, Secret("own", 1).body + b"\0\1\0\0\1"), "it holds a private key"),
        (
            packet(8, b"\0" + HIDDEN),
            "it holds an OpenPGP packet of type 8, which is of no public key",
        ),
        (packet(6, b"\4" + bytes(1 << 16)), "it holds a key of 65537 bytes, which no key has"),
        (HIDDEN + packet(14, bytes(1 << 16)), "it holds a key of 65536 bytes, which no key has"),
    ],
    ids=["private", "compressed", "too long a key", "too long a subkey"],
)
def test_a_keyring_holds_public_keys_alone(
    packagers: Packagers, tmp_path: Path, way: str, more: bytes, told: str
) -> None:
    files = {"gpg": packagers.export() + more, "trusted": listed(*packagers.masters).encode()}
    made = lay(tmp_path, files, partial(packagers.sign, packagers.packager))
    keyring = replace(made.keyring, master_keys=packagers.masters)
    assert refusal(replace(made, keyring=keyring), way) == (
        f"the keyring of demo-keyring 1000-1 (k.pkg.tar) cannot be read: {told}"
    )


@each_way
@pytest.mark.parametrize("source", ["package", "file"])
def test_a_real_repository_whose_keyring_has_another_name(
    tmp_path: Path, way: str, source: str
) -> None:
    """That of nemesis_repo is kiro's: the user names its key, and it is the package's only one."""
    files = {name: (FOLDER / f"kiro-keyring.{name}").read_bytes() for name in KIRO}
    package = make_package(
        "kiro-keyring", version="1:26.06-100", file="kiro-keyring-1:26.06-100-any.pkg.tar.zst"
    )
    path = package.path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(files["pkg.tar.zst"])
    package.signature(tmp_path).write_bytes(files["pkg.tar.zst.sig"])
    keyring = Keyring("nemesis_repo", "kiro-keyring", (), user_keys=KEYRINGS["kiro"].pinned)
    if source == "file":
        (keys,) = KEYRINGS["kiro"].read()
        keyring = replace(keyring, package="", keys=base64.b64encode(keys).decode())
    lock = Lock("archlinux-x86_64", (), (package,))
    memory = WAYS[way](Published(tmp_path, lock, keyring), Memory())
    assert way == "without-gpg" or source == "file" or memory.newest
