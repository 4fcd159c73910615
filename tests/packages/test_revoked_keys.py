"""Keys that a keyring revokes are left out, by gpg and without it, however they are named."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager import process
from aimager.packages.keyring import make_home, populate, read_listing
from aimager.packages.keyring_files import KeyringFiles
from aimager.packages.keyring_trust import TrustedKeys
from tests.support.packagers import (
    PACKAGE,
    TOOLS,
    WAYS,
    KeyringOf,
    Packagers,
    refusal,
    short_folder,
    store_package,
)

pytestmark = pytest.mark.skipif(
    not shutil.which("gpg", path=process.ENVIRONMENT["PATH"]),
    reason="gpg is missing: NOTHING of revoked keys is tested",
)


@pytest.fixture(params=WAYS)
def keyring_of(request: pytest.FixtureRequest) -> KeyringOf:
    return WAYS[request.param]


@pytest.fixture(scope="module")
def packagers() -> Iterator[Packagers]:
    """One of whose keys names a designated revoker."""
    with short_folder() as folder:
        made = Packagers(folder / "p")
        answers = f"addrevoker\n{made.stranger}\ny\nsave\n"
        made.gpg(["--command-fd", "0", "--edit-key", made.packager], answers.encode())
        yield made


FORMS = {
    "fingerprint": lambda key, subkey: key,
    "key-id": lambda key, subkey: key[-16:],
    "short-id": lambda key, subkey: key[-8:],
    "subkey": lambda key, subkey: subkey,
    "subkeys-id": lambda key, subkey: subkey[-16:],
}


@pytest.mark.parametrize("form", FORMS)
def test_revoked_is_revoked(
    packagers: Packagers, keyring_of: KeyringOf, tmp_path: Path, form: str
) -> None:
    """S3: also one that names who else may revoke it, which gpg lists between key and print."""
    key = packagers.packager
    subkey = packagers.add_subkey(key, "never")
    keys = packagers.export(*packagers.masters, key)
    store_package(tmp_path, b"content", packagers.sign(f"{key}!", b"content"))
    with keyring_of(keys, packagers.masters) as judge:
        assert judge([PACKAGE], tmp_path) == {"demo": key}
    with keyring_of(keys, packagers.masters, (FORMS[form](key, subkey),)) as judge:
        assert refusal(judge, tmp_path).endswith("which is not in the keyring")


def test_what_was_revoked_before_is_left_out(packagers: Packagers) -> None:
    keys = packagers.export(*packagers.masters, packagers.packager)
    with short_folder() as folder:
        make_home(TOOLS, folder / "k")
        files = KeyringFiles(keys, packagers.masters, ())
        gone = (packagers.packager,)
        populate(TOOLS, folder / "k", TrustedKeys(files, packagers.masters, revoked=gone))
        listing = TOOLS.run(["gpg", "--homedir", str(folder / "k"), "--with-colons", "-k"])
        assert packagers.packager not in read_listing(listing)
        assert packagers.master in read_listing(listing)


def test_a_listing_is_read_by_its_fields() -> None:
    one, sub, other, revoker = ("A" * 40, "B" * 40, "C" * 40, "D" * 40)
    lines = (
        "tru::1:1790000000:0:3:1:5",
        "pub:f:255:22:AAAAAAAAAAAAAAAA:1577836800:::-:::scSC::::::23::0:",
        f"rvk:::22::::::{revoker}:80::",
        f"rvk:::1::::::{other}:80::",
        f"fpr:::::::::{one}:",
        f"uid:f::::1577836800::X::fpr {revoker}::::::::::0:",
        f"uid:f::::1577836800::X::pub\\x3afpr\\x3a\\x3a{revoker}::::::::::0:",
        "sub:f:255:22:BBBBBBBBBBBBBBBB:1577836800::::::s::::::23:",
        f"fpr:::::::::{sub}:",
        "pub:-:255:22:CCCCCCCCCCCCCCCC:1577836800:::-:::scSC::::::23::0:",
        f"fpr:::::::::{other}:",
    )
    assert read_listing("\n".join(lines)) == {one: [one, sub], other: [other]}
