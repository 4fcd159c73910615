"""A key file holds public keys alone; of the keys, nothing is shown or recorded."""

import base64
import hashlib
import json
import re
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from aimager.codec import encode
from aimager.commands.listing import show
from aimager.config.build import read_build
from aimager.config.key_files import read_key_file
from aimager.errors import ConfigError
from aimager.model.build import Build
from aimager.packages.openpgp.certificate import read_ring
from aimager.products.derivation import derive
from aimager.stages.keyring_init import KeyringInit
from tests.support.locked import make_workshop
from tests.support.openpgp_maker import Description, Part, Secret, mpi, packet, plain

KEY = Secret("mine", 1_600_000_000)
FINGERPRINT = KEY.fingerprint.hex().upper()
PUBLIC = plain(KEY, b"Mine <mine@example.org>", 1_600_000_000).packets()
SUBKEY = Secret("mine sub", 1_600_000_000)

_PLAIN = b"\0" + mpi(12345) + b"\0\0"
_STUB = b"\xff\0\x65\0GNU\1"
"""What GnuPG writes in place of a private primary key that is kept elsewhere."""


def secret(tag: int, key: Secret, ending: bytes = _PLAIN) -> bytes:
    return packet(tag, key.body + ending)


def old(tag: int, body: bytes) -> bytes:
    """A packet with a header of the old format."""
    return bytes([0x80 | tag << 2 | 1]) + len(body).to_bytes(2, "big") + body


def in_parts(tag: int, body: bytes) -> bytes:
    """A packet that comes in parts."""
    return bytes([0xC0 | tag, 0xE0 | 3]) + body[:8] + bytes([len(body) - 8]) + body[8:]


def armoured(data: bytes, kind: str = "PUBLIC KEY BLOCK") -> bytes:
    content = base64.encodebytes(data).decode()
    return f"-----BEGIN PGP {kind}-----\n\n{content}-----END PGP {kind}-----\n".encode()


PRIVATE = {
    "binary": secret(5, KEY) + PUBLIC[6 + len(KEY.body) :],
    "alone": secret(5, KEY),
    "after public ones": PUBLIC + secret(5, KEY),
    "subkey": PUBLIC + secret(7, SUBKEY),
    "stub": secret(5, KEY, _STUB) + secret(7, SUBKEY),
    "old header": old(5, KEY.body + _PLAIN),
    "in an armour that says otherwise": armoured(secret(5, KEY)),
    "in an armour": armoured(secret(5, KEY), "PRIVATE KEY BLOCK"),
    "in a second armour": armoured(PUBLIC) + b"and\n" + armoured(secret(7, SUBKEY)),
    "armoured after binary": PUBLIC + armoured(secret(5, KEY), "PRIVATE KEY BLOCK"),
    "of ssh": b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    "of gpg-agent": b"(11:private-key(3:rsa(1:n3:abc)))",
    "of gpg-agent, extended": b"Created: 2020\nKey: (protected-private-key (rsa (n #00#)))\n",
}
OTHERS = {
    "keybox": struct.pack(">IBBH4s20x", 32, 1, 1, 2, b"KBXf"),
    "in parts": in_parts(5, KEY.body + _PLAIN),
    "cut off": PUBLIC[:-1],
    "compressed": packet(8, b"\0" + secret(5, KEY)),
    "after a signature": packet(2, b"\4") + PUBLIC,
    "literal": PUBLIC + packet(11, b"b\0\0\0\0\0" + secret(5, KEY)),
    "text": b"a letter\n",
    "empty": b"",
    "too long a key": PUBLIC + packet(6, b"\4" + bytes(1 << 16)),
    "too long a subkey": PUBLIC + packet(14, bytes(1 << 16)),
    "damaged armour": armoured(PUBLIC).replace(b"=\n", b"?\n", 1).replace(b"\n\n", b"\n\n*", 1),
}


def refusal(folder: Path, content: bytes) -> str:
    (folder / "mine.asc").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        build(folder)
    assert "gpg --export" in caught.value.hint
    return caught.value.message


def build(folder: Path, trusted: str = FINGERPRINT) -> Build:
    words = {
        "distro": "archlinux",
        "add-repos": "mine=https://m",
        "trust-key-mine": trusted,
        "key-file-mine": "mine.asc",
    }
    made = read_build(words, folder)
    assert made
    return made


@pytest.mark.parametrize("kind", PRIVATE)
def test_a_private_key_is_refused_before_anything_keeps_it(tmp_path: Path, kind: str) -> None:
    assert refusal(tmp_path, PRIVATE[kind]) == (
        "key-file-mine=mine.asc holds a private key, and takes public keys alone"
    )


@pytest.mark.parametrize("kind", OTHERS)
def test_so_is_all_else_that_is_no_public_key(tmp_path: Path, kind: str) -> None:
    assert refusal(tmp_path, OTHERS[kind]).startswith("key-file-mine=mine.asc ")


@pytest.mark.parametrize("option", [[], ["--armor"]])
@pytest.mark.parametrize("what", ["--export-secret-keys", "--export-secret-subkeys"])
def test_what_gpg_exports(
    tmp_path: Path, gpg: Callable[..., bytes], option: list[str], what: str
) -> None:
    said = refusal(tmp_path, gpg(*option, what))
    assert said == "key-file-mine=mine.asc holds a private key, and takes public keys alone"
    (tmp_path / "mine.asc").write_bytes(gpg(*option, "--export"))
    assert build(tmp_path, fingerprints(gpg)[0]).repositories[0].keyring.keys


def fingerprints(gpg: Callable[..., bytes]) -> list[str]:
    """Those of the primary key and of its subkey."""
    listing = gpg("--with-colons", "--list-keys").decode()
    return re.findall(r"^fpr:+(\w+):", listing, re.MULTILINE)


@pytest.fixture
def gpg(tmp_path: Path) -> Callable[..., bytes]:
    """gpg, with a key that has a subkey for signing, in a home of its own."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    options = ["--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback"]

    def run(*arguments: str) -> bytes:
        argv = ["gpg", *options, "--passphrase", "", *arguments]
        return subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout

    run("--quick-gen-key", "a@example", "ed25519", "cert", "never")
    listing = run("--with-colons", "--list-keys").decode()
    name = listing.partition("\nfpr:::::::::")[2].partition(":")[0]
    run("--quick-add-key", name, "ed25519", "sign", "never")
    return run


@pytest.mark.parametrize(
    "content", [PUBLIC, armoured(PUBLIC), b"my key:\n" + armoured(PUBLIC) + b"hunter2\n"]
)
def test_public_keys_are_taken_and_nothing_beside_them(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.asc").write_bytes(content)
    file = read_key_file("mine.asc", tmp_path, variable="key-file-mine")
    assert file
    keys = base64.b64decode(file.keys)
    assert list(read_ring(keys).certificates) == [FINGERPRINT]
    assert keys == PUBLIC
    assert file.sha256 == hashlib.sha256(content).hexdigest()


def test_neither_a_record_nor_a_listing_has_them(tmp_path: Path) -> None:
    (tmp_path / "mine.asc").write_bytes(PUBLIC)
    made = build(tmp_path)
    keyring = made.repositories[0].keyring
    stage = KeyringInit(
        keyrings=(keyring,),
        lock=tmp_path / "lock.json",
        targets=(tmp_path / "a", tmp_path / "b"),
        older=False,
        borrowed=None,
        workshop=make_workshop(tmp_path),
    )
    derivation = derive("keyring-init", stage, {})
    sha256 = hashlib.sha256(PUBLIC).hexdigest()
    for text in (json.dumps(encode(derivation)), "\n".join(show(made)), repr(made)):
        assert keyring.keys[:40] not in text
        assert sha256 in text
    other = plain(KEY, b"Other <mine@example.org>", 1_600_000_000).packets()
    (tmp_path / "mine.asc").write_bytes(other)
    changed = (build(tmp_path).repositories[0].keyring,)
    again = derive("keyring-init", KeyringInit(**{**vars(stage), "keyrings": changed}), {})
    assert again.id != derivation.id


def test_a_subkey_stands_for_its_primary_key(tmp_path: Path, gpg: Callable[..., bytes]) -> None:
    (tmp_path / "mine.asc").write_bytes(gpg("--export"))
    primary, subkey = fingerprints(gpg)
    (repository,) = build(tmp_path, subkey).repositories
    assert repository.keyring.user_keys == (primary,)


def test_a_key_that_is_not_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine.asc").write_bytes(PUBLIC)
    with pytest.raises(ConfigError) as caught:
        build(tmp_path, "AB" * 20)
    assert caught.value.message == (
        f"trust-key-mine={'AB' * 20}: the file of key-file-mine= does not have this key"
    )
    assert caught.value.hint == f"it has {FINGERPRINT}"


def test_a_key_without_a_user_id(tmp_path: Path) -> None:
    (tmp_path / "mine.asc").write_bytes(Description(KEY, [Part(0)]).packets())
    with pytest.raises(ConfigError) as caught:
        build(tmp_path)
    assert caught.value.message == (
        f"the key {FINGERPRINT} of key-file-mine= has no user id, and gpg takes no key without one"
    )


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^key-file-mine= cannot read "):
        build(tmp_path)
