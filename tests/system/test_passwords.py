"""Clear passwords are hashed with salts that follow from them, and from nothing public alone."""

import hashlib
import io
import shutil
from dataclasses import replace
from typing import Any

import pytest

from aimager import process
from aimager.errors import HostError
from aimager.model.settings import HashedPassword, Password
from aimager.system.passwords import derive_secret, hash_passwords
from aimager.toolbox import Toolbox
from tests.stages.test_pack_image import LOCK, SETUP, STAGE

GIVEN = "$6$given$" + "a" * 86

ALICE, ROOT = Password("alice", "hunter2"), Password("root", "hunter2")

needs_openssl = pytest.mark.skipif(
    not shutil.which("openssl", path=process.ENVIRONMENT["PATH"]),
    reason="openssl is missing: hashing of passwords is not tested",
)


def hash_all(*passwords: Password, seed: str = "image") -> list[str]:
    tools = Toolbox(None, io.BytesIO())
    hashed = hash_passwords(tools, passwords, seed)
    assert [entry.user for entry in hashed] == [entry.user for entry in passwords]
    assert isinstance(tools.log, io.BytesIO)
    assert tools.log.getvalue() == b"", "a password is logged nowhere"
    return [entry.hash for entry in hashed]


def salts(*passwords: Password, seed: str = "image") -> list[str]:
    return [hashed.split("$")[2] for hashed in hash_all(*passwords, seed=seed)]


@needs_openssl
def test_equal_inputs_have_equal_hashes() -> None:
    first, second = hash_all(ALICE, ROOT), hash_all(ALICE, ROOT)
    assert first == second
    assert all(hashed.startswith("$6$") and len(hashed) == 106 for hashed in first)
    again = process.run(["openssl", "passwd", "-6", "-salt", salts(ALICE, ROOT)[0], "hunter2"])
    assert again.strip() == first[0]


@needs_openssl
@pytest.mark.parametrize(
    ("passwords", "seed"),
    [
        ((replace(ALICE, password="hunter3"), ROOT), "image"),
        ((ALICE, replace(ROOT, password="hunter3")), "image"),
        ((ALICE, Password("root", GIVEN, is_hashed=True)), "image"),
        ((ALICE,), "image"),
        ((ROOT, ALICE), "image"),
        ((ALICE, ROOT), "other"),
    ],
)
def test_images_that_differ_share_no_salt(passwords: tuple[Password, ...], seed: str) -> None:
    """Also where they differ in what chpasswd= says of another user alone."""
    common = {*salts(ALICE, ROOT)} & {
        hashed.split("$")[2] for hashed in hash_all(*passwords, seed=seed)
    }
    assert not common


@needs_openssl
def test_each_entry_has_a_salt_of_its_own() -> None:
    both = salts(ALICE, ROOT, replace(ALICE, password="later"))
    assert len(set(both)) == 3


@needs_openssl
def test_two_images_that_differ_in_chpasswd_alone() -> None:
    """What an image's public settings tell is the same of both; before, so were the salts."""
    other = replace(STAGE, setup=replace(SETUP, passwords=(Password("alice", "hunter2"),)))
    assert other.salt_seed(LOCK) == STAGE.salt_seed(LOCK)
    one, two = (
        salts(*stage.setup.passwords, seed=stage.salt_seed(LOCK)) for stage in (STAGE, other)
    )
    assert one != two


def test_what_is_given_hashed_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(hashlib, "scrypt")  # which it does not take
    hashed = hash_passwords(Toolbox(None), (Password("root", GIVEN, is_hashed=True),), "image")
    assert hashed == (HashedPassword("root", GIVEN),)


def test_a_guess_costs_more_than_against_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """5000 rounds of SHA-512 hash 5000 times two blocks of 128 bytes at most, and take no memory.

    scrypt goes twice over the N times 128 r bytes that it fills (RFC 7914).
    """
    asked: list[dict[str, Any]] = []
    scrypt = hashlib.scrypt

    def note(password: bytes, **cost: Any) -> bytes:
        asked.append(cost)
        return scrypt(password, **cost)

    monkeypatch.setattr(hashlib, "scrypt", note)
    derive_secret((ALICE,), "image")
    (cost,) = asked
    memory = cost["n"] * 128 * cost["r"]
    assert memory >= 16 << 20
    assert 2 * memory * cost["p"] >= 10 * 5000 * 256


@pytest.mark.parametrize("kind", ["missing", "refused"])
def test_a_python_without_scrypt(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    def refuse(*_: object, **__: object) -> bytes:
        raise ValueError("unsupported hash type scrypt")

    monkeypatch.setattr(hashlib, "scrypt", refuse)
    if kind == "missing":
        monkeypatch.delattr(hashlib, "scrypt")
    with pytest.raises(HostError, match="this Python has no scrypt"):
        derive_secret((ALICE,), "image")
