"""Keys and signatures of every kind are judged without gpg as by the real one."""

import base64
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from aimager import process
from aimager.archive import pack_members
from aimager.errors import TrustError
from aimager.model.distro import Keyring
from aimager.model.lock import Lock
from aimager.packages.keyring import verify_without_gpg
from aimager.packages.openpgp.certificate import read_ring
from aimager.packages.openpgp.trust import Trust
from tests.support.locked import make_package
from tests.support.packagers import (
    PACKAGE,
    WAYS,
    Judge,
    KeyringOf,
    Packagers,
    refusal,
    store_package,
)

pytestmark = pytest.mark.skipif(
    not shutil.which("gpg", path=process.ENVIRONMENT["PATH"]),
    reason="gpg is missing: NOTHING of what takes its place is tested",
)

CONTENT = b"content"
NOT_VOUCHED = "which no pinned master key vouches for"


@pytest.fixture(params=WAYS)
def keyring_of(request: pytest.FixtureRequest) -> KeyringOf:
    """Makes what verifies packages of keys, trusted and revoked ones."""
    return WAYS[request.param]


def signed(
    packagers: Packagers, store: Path, key: str, *, by: str = "", options: Sequence[str] = ()
) -> None:
    """Store the package with a signature by a key, or by a subkey of it."""
    store_package(store, CONTENT, packagers.sign(by or key, CONTENT, options))


def judged(packagers: Packagers, keyring_of: KeyringOf, key: str, store: Path) -> str:
    """Whose signature is good, else what is said against the package, by the one master key."""
    keys = packagers.export(key, *packagers.masters)
    with keyring_of(keys, packagers.masters) as judge:
        return verdict(judge, store)


def verdict(judge: Judge, store: Path) -> str:
    try:
        return judge([PACKAGE], store)["demo"]
    except TrustError as error:
        return error.message.partition(" is not trusted: ")[2]


@pytest.mark.parametrize("algorithm", ["rsa3072", "dsa2048", "nistp384", "brainpoolP256r1"])
def test_algorithms(
    packagers: Packagers, keyring_of: KeyringOf, tmp_path: Path, algorithm: str
) -> None:
    key = packagers.make_key(algorithm, "never", algorithm)
    packagers.certify(key, *packagers.masters)
    signed(packagers, tmp_path, key)
    assert judged(packagers, keyring_of, key, tmp_path) == key
    signed(packagers, tmp_path, key)
    PACKAGE.path(tmp_path).write_bytes(b"Content")
    said = judged(packagers, keyring_of, key, tmp_path)
    assert said.endswith(f"was changed after the key {key[-16:]} signed it")


@pytest.mark.parametrize("algorithm", ["rsa3072", "dsa2048"])
def test_a_masters_algorithm(
    packagers: Packagers, keyring_of: KeyringOf, tmp_path: Path, algorithm: str
) -> None:
    master = packagers.make_key(f"master-{algorithm}", "never", algorithm)
    key = packagers.make_key(f"of-{algorithm}", "never")
    masters = (master, *packagers.masters[1:])
    packagers.certify(key, *masters)
    signed(packagers, tmp_path, key)
    with keyring_of(packagers.export(key, *masters), masters) as judge:
        assert verdict(judge, tmp_path) == key


def test_subkeys(packagers: Packagers, keyring_of: KeyringOf, tmp_path: Path) -> None:
    key = packagers.make_key("with-subkeys", "never")
    packagers.certify(key, *packagers.masters)
    good, expired = (packagers.add_subkey(key, expires) for expires in ("never", "1y"))
    signed(packagers, tmp_path, key, by=f"{good}!")
    assert judged(packagers, keyring_of, key, tmp_path) == good
    signed(packagers, tmp_path, key, by=f"{expired}!")
    assert judged(packagers, keyring_of, key, tmp_path).endswith(
        f"is signed by the key {expired[-16:]} (with-subkeys <with-subkeys@example.org>),"
        " which has expired on 2020-12-31"
    )


def test_when_a_key_expired_is_told(packagers: Packagers, tmp_path: Path) -> None:
    signed(packagers, tmp_path, packagers.expired)
    trust = Trust()
    trust.add(packagers.export(), (), ())
    words = trust.status(PACKAGE.signature(tmp_path), PACKAGE.path(tmp_path))
    listing = packagers.gpg(["--with-colons", "--list-keys", packagers.expired]).decode()
    assert words["KEYEXPIRED"] == [listing.partition("\npub:")[2].split(":")[5]]


def test_a_revoked_subkey(packagers: Packagers, keyring_of: KeyringOf, tmp_path: Path) -> None:
    key = packagers.make_key("bad-subkey", "never")
    packagers.certify(key, *packagers.masters)
    subkey = packagers.add_subkey(key, "never")
    signed(packagers, tmp_path, key, by=f"{subkey}!")
    answers = "key 1\nrevkey\ny\n0\n\ny\nsave\n"
    packagers.gpg(["--command-fd", "0", "--edit-key", key], answers.encode())
    said = judged(packagers, keyring_of, key, tmp_path)
    assert said.endswith("(bad-subkey <bad-subkey@example.org>), which is revoked")


def test_certifications_that_hold_no_more(
    packagers: Packagers, keyring_of: KeyringOf, tmp_path: Path
) -> None:
    for name, options in (
        ("for-a-year", ["--default-cert-expire", "1y"]),
        ("by-sha1", ["--cert-digest-algo", "SHA1", "--allow-weak-key-signatures"]),
        ("revoked-later", []),
    ):
        key = packagers.make_key(name, "never")
        packagers.certify(key, *packagers.masters, options=options)
        signed(packagers, tmp_path, key)
        if name == "revoked-later":
            assert judged(packagers, keyring_of, key, tmp_path) == key
            packagers.gpg(["--quick-revoke-sig", key, packagers.master])
        assert judged(packagers, keyring_of, key, tmp_path).endswith(NOT_VOUCHED), name


def test_a_signature_that_has_expired(
    packagers: Packagers, keyring_of: KeyringOf, tmp_path: Path
) -> None:
    signed(packagers, tmp_path, packagers.packager, options=["--default-sig-expire", "1y"])
    key = packagers.packager
    assert judged(packagers, keyring_of, key, tmp_path).endswith(
        f"has a signature by the key {key[-16:]} that has expired"
    )


@pytest.fixture
def keyring_lock(packagers: Packagers, tmp_path: Path) -> Lock:
    """A lock of a keyring package that lies in the store, signed by the master key."""
    package = make_package("demo-keyring", file="demo-keyring-1-1-any.pkg.tar")
    trusted = "".join(f"{master}:4:\n" for master in packagers.masters)
    members = [
        ("usr/share/pacman/keyrings/demo.gpg", packagers.export()),
        ("usr/share/pacman/keyrings/demo-trusted", trusted.encode()),
        (".PKGINFO", b"pkgname = demo-keyring\npkgver = 1.0-1\nbuilddate = 7\n"),
    ]
    content = pack_members(members)
    path = package.path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    package.signature(tmp_path).write_bytes(packagers.sign(packagers.packager, content))
    return Lock("x", (), (package,))


def test_packages_are_verified_by_what_a_keyring_package_holds(
    packagers: Packagers, keyring_lock: Lock, tmp_path: Path
) -> None:
    keyrings = [Keyring("demo", "demo-keyring", packagers.masters)]
    signed(packagers, tmp_path, packagers.packager)
    verified = verify_without_gpg(keyrings, keyring_lock, [PACKAGE], tmp_path)
    assert verified == {"demo": packagers.packager}
    others = [Keyring("demo", "demo-keyring", ("A" * 40,))]
    with pytest.raises(TrustError, match="none of which is pinned") as caught:
        verify_without_gpg(others, keyring_lock, [PACKAGE], tmp_path)
    assert "trust-key=" in caught.value.hint
    assert "trust-key-demo=" in caught.value.hint
    (package,) = keyring_lock.packages
    stranger = packagers.sign(packagers.stranger, package.path(tmp_path).read_bytes())
    package.signature(tmp_path).write_bytes(stranger)
    with pytest.raises(TrustError, match=r"^the package demo-keyring 1\.0-1 is not trusted: "):
        verify_without_gpg(keyrings, keyring_lock, [PACKAGE], tmp_path)


@pytest.mark.parametrize("quiet", [False, True])
def test_who_is_trusted_besides_is_said_unless_others_say_it(
    packagers: Packagers,
    keyring_lock: Lock,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    quiet: bool,
) -> None:
    named = (packagers.packager,)
    keyring = Keyring("demo", "demo-keyring", packagers.masters, user_keys=named)
    signed(packagers, tmp_path, packagers.packager)
    verified = verify_without_gpg([keyring], keyring_lock, [PACKAGE], tmp_path, quiet=quiet)
    assert verified == {"demo": packagers.packager}
    said = capsys.readouterr().out
    assert (f"the key {packagers.packager} of demo-keyring 1.0-1" in said) == (not quiet)
    assert bool(said) == (not quiet)


def test_a_keyring_that_is_cut_off(packagers: Packagers, tmp_path: Path) -> None:
    keys = base64.b64encode(packagers.export(*packagers.masters)[:-1]).decode()
    keyring = Keyring("mine", "", (packagers.master,), keys=keys)
    with pytest.raises(TrustError, match=r"^the keyring of mine cannot be read: "):
        verify_without_gpg([keyring], Lock("x", (), ()), [], tmp_path)


def test_an_armoured_keyring(packagers: Packagers, keyring_of: KeyringOf, tmp_path: Path) -> None:
    keys = packagers.gpg(["--armor", "--export", packagers.packager, *packagers.masters])
    signed(packagers, tmp_path, packagers.packager)
    with keyring_of(keys, packagers.masters) as judge:
        assert verdict(judge, tmp_path) == packagers.packager


def test_masters_that_have_expired_or_are_revoked_vouch_for_nobody(
    packagers: Packagers, tmp_path: Path
) -> None:
    """gpg refuses to trust an expired key in the first place, so it is not asked here."""
    key = packagers.make_key("orphan", "never")
    packagers.certify(key, packagers.revoked, packagers.expired, *packagers.masters[:2])
    keys = packagers.export(key, packagers.revoked, packagers.expired, *packagers.masters)
    signed(packagers, tmp_path, key)
    trusted = (packagers.revoked, *packagers.masters[:2])
    with WAYS["without-gpg"](keys, trusted) as judge:
        assert verdict(judge, tmp_path) == key
    signed(packagers, tmp_path, key)
    with WAYS["without-gpg"](keys, (packagers.expired, *packagers.masters[:2])) as judge:
        assert verdict(judge, tmp_path).endswith(NOT_VOUCHED)
    signed(packagers, tmp_path, key)
    with WAYS["without-gpg"](keys, trusted, (packagers.revoked,)) as judge:
        assert verdict(judge, tmp_path).endswith(NOT_VOUCHED)
    packagers.revoke()
    keys = packagers.export(key, packagers.revoked, *packagers.masters)
    signed(packagers, tmp_path, key)
    with WAYS["without-gpg"](keys, trusted) as judge:
        assert verdict(judge, tmp_path).endswith(NOT_VOUCHED)


@pytest.mark.parametrize("way", WAYS)
def test_each_of_several_signatures_counts(packagers: Packagers, tmp_path: Path, way: str) -> None:
    made = packagers.sign(packagers.packager, CONTENT)
    strange = packagers.sign(packagers.stranger, CONTENT)
    keys = packagers.export(packagers.packager, *packagers.masters)
    with WAYS[way](keys, packagers.masters) as judge:
        store_package(tmp_path, CONTENT, made + packagers.sign(packagers.master, CONTENT))
        assert verdict(judge, tmp_path) == packagers.packager
        for both in (made + strange, strange + made):
            store_package(tmp_path, CONTENT, both)
            assert refusal(judge, tmp_path) == (
                f"is signed by the key {packagers.stranger[-16:]}, which is not in the keyring"
            )


def test_no_damage_makes_a_key_trusted(packagers: Packagers, tmp_path: Path) -> None:
    """A stranger's key, with every bit of its certificate changed in turn, or cut off anywhere."""
    keys = packagers.export(packagers.stranger)
    master = packagers.export(*packagers.masters)
    trusted = packagers.masters
    signed(packagers, tmp_path, packagers.stranger)
    signature = PACKAGE.signature(tmp_path)
    damaged = [keys[:size] for size in range(len(keys))]
    for place in range(len(keys)):
        for bit in range(8):
            changed = bytearray(keys)
            changed[place] ^= 1 << bit
            damaged.append(bytes(changed))
    read = 0
    for one in damaged:
        trust = Trust()
        try:
            trust.add(one, (), ())
        except ValueError:
            continue
        read += 1
        trust.add(master, trusted, ())
        assert "TRUST_FULLY" not in trust.status(signature, PACKAGE.path(tmp_path))
    assert read


def test_a_changed_certification_is_none(packagers: Packagers, tmp_path: Path) -> None:
    """Of a good key, whatever is changed in what is signed of its user id."""
    keys = packagers.export(packagers.packager)
    (certificate,) = read_ring(keys).certificates.values()
    (user,) = (part.user for part in certificate.parts if part.user)
    signed(packagers, tmp_path, packagers.packager)
    other = user.replace(b"packager", b"backager")
    trust = Trust()
    master = packagers.export(*packagers.masters)
    trust.add(keys.replace(user, other) + master, packagers.masters, ())
    words = trust.status(PACKAGE.signature(tmp_path), PACKAGE.path(tmp_path))
    assert "TRUST_FULLY" not in words
