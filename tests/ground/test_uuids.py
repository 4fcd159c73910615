"""Derived identifiers never change: an image would."""

import re
import uuid

import pytest

from aimager import uuids
from aimager.uuids import derive_uuid, derive_volume_id, fat_uuid, is_uuid, recognise


def test_they_are_fixed() -> None:
    assert derive_uuid("seed", "root") == "f0abe75a-7431-8359-91ea-9babef8eb17d"
    assert derive_uuid("seed", "swap") == "0a6aba57-e97a-8062-ba93-30cbc04cf6b4"
    assert derive_uuid("seed", "c") == "7a1b7581-5b1f-8731-9bb7-36045c6ff9af"
    assert derive_volume_id("seed", "boot") == "b4a81bcd"
    assert recognise("secret") == "1edf5d5887f547e63d73d3dd7c5431f5"


def test_a_volume_id_is_never_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uuids, "_digest", lambda *_: bytes(4) + b"\xff" * 28)
    assert derive_volume_id("seed", "boot") == "00000001"


def test_they_differ() -> None:
    pairs = [("seed", "root"), ("seed", "boot"), ("see", "droot"), ("other", "root")]
    assert len({derive_uuid(*pair) for pair in pairs}) == len(pairs)
    assert len({derive_volume_id(*pair) for pair in pairs}) == len(pairs)


def test_they_are_well_formed() -> None:
    for number in range(100):
        value = uuid.UUID(derive_uuid(str(number), "root"))
        assert value.version == 8
        assert value.variant == uuid.RFC_4122
        assert re.fullmatch("[0-9a-f]{8}", derive_volume_id(str(number), "boot"))


def test_fat_uuid() -> None:
    assert fat_uuid("1a2b3c4d") == "1A2B-3C4D"


def test_what_is_a_uuid() -> None:
    for text in (derive_uuid("seed", "one"), derive_uuid("seed", "one").upper()):
        assert is_uuid(text)
        for other in (text[1:], f"{text}0", text.replace("-", ""), f"{{{text}}}", f"{text}\n"):
            assert not is_uuid(other)
