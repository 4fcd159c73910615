"""Which certifications a keyring can do without; what gpg makes of it is in test_real_keyrings."""

import shutil
from pathlib import Path

import pytest

from aimager import process
from aimager.errors import TrustError
from aimager.packages.keyring import make_home, populate, verify
from aimager.packages.keyring_files import KeyringFiles
from aimager.packages.keyring_trust import TrustedKeys
from aimager.packages.openpgp.packets import packets
from aimager.packages.openpgp.strangers import without_strangers
from tests.support.packagers import PACKAGE, TOOLS, Packagers, short_folder, store_package

pytestmark = pytest.mark.skipif(
    not shutil.which("gpg", path=process.ENVIRONMENT["PATH"]), reason="gpg is missing"
)


def test_what_a_key_says_of_itself_and_what_vouchers_say_stays(packagers: Packagers) -> None:
    first, second, third = packagers.masters
    keys = packagers.export(packagers.packager, packagers.stranger)
    whole = list(packets(keys))
    assert list(packets(without_strangers(keys, packagers.masters))) == whole
    assert list(packets(without_strangers(keys, [first, third]))) != whole
    for vouchers, left in (([first, second, third], 3), ([second], 1), ([], 0)):
        kept = list(packets(without_strangers(keys, vouchers)))
        assert len(whole) - len(kept) == 3 - left
        assert [packet for packet in whole if packet[0] != 2] == [p for p in kept if p[0] != 2]
        assert set(kept) <= set(whole)


def test_a_fingerprint_of_another_version_takes_nothing_away(packagers: Packagers) -> None:
    keys = packagers.export(packagers.packager)
    assert without_strangers(keys, ["AB" * 32]) == keys


def test_a_certification_that_cannot_be_read_stays(packagers: Packagers) -> None:
    keys = packagers.export(packagers.packager)
    damaged = [(tag, body[:9] if tag == 2 else body) for tag, body in packets(keys)]
    data = b"".join(bytes([0xC0 | tag, len(body)]) + body for tag, body in damaged)
    assert list(packets(without_strangers(data, []))) == damaged


def test_who_vouches_may_be_in_another_keyring(packagers: Packagers, tmp_path: Path) -> None:
    masters = KeyringFiles(packagers.export(*packagers.masters), (), ())
    others = KeyringFiles(packagers.export(packagers.packager, packagers.stranger), (), ())
    store_package(tmp_path, b"content", packagers.sign(packagers.packager, b"content"))

    def judge(*vouchers: str) -> dict[str, str]:
        with short_folder() as folder:
            make_home(TOOLS, folder / "k")
            populate(TOOLS, folder / "k", TrustedKeys(masters, packagers.masters))
            trusted = TrustedKeys(others, (packagers.stranger,))
            populate(TOOLS, folder / "k", trusted, vouchers)
            return verify(TOOLS, folder / "k", [PACKAGE], tmp_path)

    assert judge(*packagers.masters) == {"demo": packagers.packager}
    with pytest.raises(TrustError, match="which no pinned master key vouches for"):
        judge()
