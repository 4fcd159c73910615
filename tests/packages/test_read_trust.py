"""What decides by a keyring's archived keys is what decides when the keyring is made."""

import shutil
from pathlib import Path

import pytest

from aimager import process
from aimager.archive import pack_members
from aimager.model.distro import Keyring
from aimager.packages.keyring import find_doubt, key_members, read_trust
from aimager.packages.keyring_files import KeyringFiles
from aimager.packages.keyring_trust import TrustedKeys
from aimager.packages.openpgp.trust import Trust
from tests.support.packagers import PACKAGE, Packagers, by_gpg, store_package

pytestmark = pytest.mark.skipif(
    not shutil.which("gpg", path=process.ENVIRONMENT["PATH"]), reason="gpg is missing"
)


def archive(folder: Path, *keyrings: TrustedKeys) -> Path:
    """That of keyrings of which this is trusted."""
    path = folder / "keys.tar"
    path.write_bytes(pack_members(key_members(keyrings)))
    return path


def test_all_that_decides_is_in_the_archive(packagers: Packagers, tmp_path: Path) -> None:
    """Of two keyrings of one name, the second revokes a key of the first."""
    first, second, third = packagers.masters
    both = (packagers.packager, packagers.revoked)
    name = Keyring("demo", "demo-keyring", ())
    keyrings = [
        TrustedKeys(
            KeyringFiles(packagers.export(first, second, *both), (), (packagers.revoked[-16:],)),
            (first,),
            (second, "F" * 40),
            keyring=name,
        ),
        TrustedKeys(
            KeyringFiles(packagers.export(third, packagers.stranger), (), ()),
            (third,),
            signers=(packagers.stranger,),
            revoked=(second,),
            keyring=name,
        ),
    ]
    made = Trust()
    for one in keyrings:
        one.add_to(made)
    read = read_trust(archive(tmp_path, *keyrings))
    assert (read.pinned, read.signers) == (made.pinned, made.signers)
    assert set(read.certificates) == set(made.certificates)
    assert set(read.certificates) == {first, third, packagers.packager, packagers.stranger}
    assert set(read.primaries) == set(made.primaries)
    for signer, trusts in ((packagers.stranger, True), (packagers.packager, False)):
        path = store_package(tmp_path, b"content", packagers.sign(signer, b"content"))
        words = read.status(PACKAGE.signature(tmp_path), path)
        assert words == made.status(PACKAGE.signature(tmp_path), path)
        assert ("TRUST_FULLY" in words) == trusts


def test_doubt(packagers: Packagers, tmp_path: Path) -> None:
    files = KeyringFiles(packagers.export(*packagers.masters, packagers.packager), (), ())
    keys = archive(tmp_path, TrustedKeys(files, packagers.masters))
    assert not find_doubt(keys, [], tmp_path)
    store_package(tmp_path, b"content", packagers.sign(packagers.packager, b"content"))
    assert not find_doubt(keys, [PACKAGE], tmp_path)
    PACKAGE.path(tmp_path).write_bytes(b"Content")
    assert "was changed after the key" in find_doubt(keys, [PACKAGE], tmp_path)
    PACKAGE.path(tmp_path).unlink()
    assert PACKAGE.file in find_doubt(keys, [PACKAGE], tmp_path)


def test_gpg_is_asked_where_it_takes_more(packagers: Packagers, tmp_path: Path) -> None:
    """By a key of 1024 bits."""
    key = packagers.make_key("small", "never", "rsa1024")
    exported = packagers.export(*packagers.masters, key)
    trusted = (*packagers.masters, key)
    files = KeyringFiles(exported, (), ())
    keys = archive(tmp_path, TrustedKeys(files, trusted))
    store_package(tmp_path, b"content", packagers.sign(key, b"content"))
    assert "a key of too few bits" in find_doubt(keys, [PACKAGE], tmp_path)
    with by_gpg(exported, trusted) as judge:
        assert judge([PACKAGE], tmp_path) == {"demo": key}


@pytest.mark.parametrize(
    "members",
    [
        [("x.gpg", b"no keys"), ("x-trusted", b""), ("x-revoked", b"")],
        [("x.gpg", b""), ("x-trusted", b"")],
        [("x.gpg", b""), ("y-trusted", b""), ("y-revoked", b"")],
        [("x.gpg", b""), ("x-trusted", b"\xff"), ("x-revoked", b"")],
    ],
    ids=["not-openpgp", "revoked-missing", "of-another", "not-text"],
)
def test_of_damaged_keys_nothing_is_taken(tmp_path: Path, members: list[tuple[str, bytes]]) -> None:
    path = tmp_path / "keys.tar"
    path.write_bytes(pack_members(members))
    with pytest.raises(ValueError, match=r"\S"):
        read_trust(path)
    assert find_doubt(path, [], tmp_path)
    path.write_bytes(path.read_bytes()[:700])
    assert find_doubt(path, [], tmp_path)
    path.unlink()
    assert find_doubt(path, [], tmp_path)
