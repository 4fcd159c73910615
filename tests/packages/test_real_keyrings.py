"""Every key of real keyrings stands, at several dates, as gpg has it."""

import json
import math
import shutil
from collections.abc import Iterator

import pytest

from aimager import process
from aimager.packages.openpgp.certificate import Certificate
from aimager.packages.openpgp.strangers import without_strangers
from aimager.packages.openpgp.trust import Trust
from tests.support.key_verdicts import DATES, KEYRINGS, RECORD, RealKeyring, ask_gpg, seconds

RECORDED: dict[str, dict[str, dict[str, str]]] = json.loads(RECORD.read_text())["keyrings"]


class Stripped(RealKeyring):
    """One without the certifications that decide nothing."""

    def read(self) -> tuple[bytes, ...]:
        return tuple(without_strangers(data, self.pinned) for data in super().read())


STRIPPED = {name: Stripped(whole.files, whole.pinned) for name, whole in KEYRINGS.items()}


def trust_of(keyring: RealKeyring, date: str) -> Trust:
    """What we make of a keyring at a date."""
    trust = Trust(seconds(date))
    for data in keyring.read():
        trust.add(data, (), ())
    trust.pinned |= set(keyring.pinned)
    return trust


def all_told(trust: Trust) -> dict[str, str]:
    """How each key stands that there was at the time."""
    return {
        key: " ".join(told(trust, certificate))
        for key, certificate in trust.certificates.items()
        if certificate.key.created <= trust.now
    }


def told(trust: Trust, certificate: Certificate) -> Iterator[str]:
    """How a key stands, as `tests.support.gpg_verdicts` tells it of gpg."""
    standing = trust.standing(certificate)
    if standing.is_revoked:
        yield "revoked"
        return
    if standing.expires <= trust.now:
        yield f"expired:{ending(standing.expires)}"
        return
    yield "valid" if trust.valid_users(certificate) else "unknown"
    yield f"until:{ending(standing.expires)}"
    if standing.may_sign:
        yield "signs"
    for key, expires in sorted(standing.subkeys.items(), key=lambda it: it[0].fingerprint):
        if key not in standing.revoked_subkeys and expires > trust.now:
            yield f"{key.id}:{ending(expires)}"


def ending(expires: float) -> str:
    return "ever" if expires == math.inf else str(int(expires))


@pytest.mark.parametrize("name", KEYRINGS)
def test_every_key_is_as_gpg_has_it(name: str) -> None:
    assert set(RECORDED[name]) == set(DATES)
    for date, keys in RECORDED[name].items():
        assert all_told(trust_of(KEYRINGS[name], date)) == keys, (name, date)


@pytest.mark.parametrize("name", KEYRINGS)
def test_certifications_by_strangers_decide_nothing(name: str) -> None:
    sizes = (sum(map(len, of[name].read())) for of in (STRIPPED, KEYRINGS))
    assert next(sizes) < next(sizes) * (0.65 if name == "archlinux" else 1.01)
    assert all_told(trust_of(STRIPPED[name], "2026-09-10")) == RECORDED[name]["2026-09-10"]


def test_they_are_worth_it() -> None:
    """What is recorded has keys of every kind."""
    said = [
        word for dates in RECORDED.values() for keys in dates.values() for word in keys.values()
    ]
    assert len(said) > 1500
    for start in ("valid until:ever", "valid until:1", "unknown", "expired:", "revoked"):
        assert any(word.startswith(start) for word in said), start


def test_a_direct_key_signature_is_superseded_by_a_newer_one() -> None:
    """The older of two says that the key expires, the newest that it does not."""
    keys = RECORDED["archlinux and newer copies"]["2026-09-10"]
    assert keys["BC08D317EC2DC6E1F337DB4FC4EE8370D5490BD3"].startswith("valid until:ever")


def test_certifications_of_2014_count_no_more() -> None:
    """Three masters vouch for Arch Linux ARM's builders by SHA-1."""
    for keys in RECORDED["archlinuxarm of 2014"].values():
        assert keys["68B3537F39A313B3E574D06777193F152BDBE6A6"].startswith("unknown ")
        assert [word.split()[0] for word in keys.values()].count("valid") == 3


@pytest.mark.skipif(
    not shutil.which("gpg", path=process.ENVIRONMENT["PATH"]), reason="gpg is missing"
)
def test_the_record_is_what_this_machines_gpg_says() -> None:
    """Of one keyring, for it takes long; gpg is older here than the one it was recorded with."""
    for date in DATES:
        assert ask_gpg("gpg", KEYRINGS["archlinux32"], date) == RECORDED["archlinux32"][date]
        assert ask_gpg("gpg", STRIPPED["archlinux32"], date) == RECORDED["archlinux32"][date]
