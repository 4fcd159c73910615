"""Whom a signature names is read out of every form that a packet may have."""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest

from aimager.packages.openpgp.signature import issuer

KEY = bytes(range(0xA0, 0xB4))
FINGERPRINT = KEY.hex().upper()
KEY_ID = FINGERPRINT[-16:]


def subpacket(kind: int, content: bytes) -> bytes:
    return bytes([len(content) + 1, kind]) + content


NAMES_KEY = subpacket(33, b"\x04" + KEY)
NAMES_ID = subpacket(16, KEY[-8:])
TIME = subpacket(2, b"\x65\x53\xf1\x00")


def body(hashed: bytes, unhashed: bytes = b"") -> bytes:
    """A signature of version 4, by RSA and SHA-256, of no value."""
    areas = b"".join(len(area).to_bytes(2, "big") + area for area in (hashed, unhashed))
    return b"\x04\x00\x01\x08" + areas + b"\x12\x34" + b"\x00\x08\xff"


def new_packet(content: bytes, kind: int = 2) -> bytes:
    return bytes([0xC0 | kind, len(content)]) + content


@pytest.mark.parametrize(
    ("hashed", "unhashed", "named"),
    [
        (NAMES_KEY + TIME, NAMES_ID, FINGERPRINT),
        (TIME, NAMES_ID + NAMES_KEY, FINGERPRINT),
        (TIME, NAMES_ID, KEY_ID),
        (subpacket(33 | 0x80, b"\x04" + KEY), b"", FINGERPRINT),
        (b"\xc0\x01\x14" + bytes(192) + NAMES_KEY, b"", FINGERPRINT),
        (b"\xff\x00\x00\x00\x02\x14\x00" + NAMES_KEY, b"", FINGERPRINT),
        (TIME, b"", ""),
    ],
)
def test_subpackets(hashed: bytes, unhashed: bytes, named: str) -> None:
    content = body(hashed, unhashed)
    header = b"\x89" + len(content).to_bytes(2, "big")
    assert issuer(header + content) == named


def test_headers() -> None:
    content = body(NAMES_KEY)
    long = body(NAMES_KEY, b"\xc0\x09\x14" + bytes(200))
    assert 192 <= len(long) < 8384
    size = len(long) - 192
    packets = (
        bytes([0x88, len(content)]) + content,
        b"\x8a" + len(content).to_bytes(4, "big") + content,
        new_packet(content),
        bytes([0xC2, 192 + (size >> 8), size & 0xFF]) + long,
        b"\xc2\xff" + len(long).to_bytes(4, "big") + long,
    )
    assert [issuer(packet) for packet in packets] == [FINGERPRINT] * len(packets)


def test_other_versions() -> None:
    old = b"\x03\x05\x00" + bytes(4) + KEY[-8:] + b"\x01\x08\x12\x34\x00\x08\xff"
    assert issuer(new_packet(old)) == KEY_ID
    key = bytes(range(32))
    named = subpacket(33, b"\x06" + key)
    new = b"\x06\x00\x1b\x08" + len(named).to_bytes(4, "big") + named + bytes(6)
    assert issuer(new_packet(new)) == key.hex().upper()


def test_what_gpg_verifies_is_read_too() -> None:
    """What was verified and installed must not stop the image at the very end."""
    version_5 = b"\x05" + body(NAMES_KEY + TIME)[1:]
    assert issuer(new_packet(version_5)) == FINGERPRINT
    content = base64.encodebytes(new_packet(body(NAMES_KEY + TIME)))
    head, end = (f"-----{word} PGP SIGNATURE-----\n".encode() for word in ("BEGIN", "END"))
    assert issuer(head + b"\n" + content + end) == FINGERPRINT
    nobody = new_packet(body(TIME))
    assert issuer(nobody + new_packet(body(NAMES_ID))) == KEY_ID


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "neither binary"),
        (new_packet(body(NAMES_KEY))[:-1], "cut off"),
        (new_packet(body(b"\xff\x00\x00\x00\xff\x10")), "cut off"),
        (b"-----BEGIN PGP SIGNATURE-----", "neither binary"),
        (b"<html>404</html>", "neither binary"),
        (b"\xc2\xe0" + body(NAMES_KEY), "in parts"),
        (b"\x8b" + body(NAMES_KEY), "no length"),
        (new_packet(b"\x07" + bytes(20)), "version 7"),
        (new_packet(b"PGP", kind=10) + new_packet(body(NAMES_KEY)), "not an OpenPGP signature"),
    ],
)
def test_what_is_none_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        issuer(data)


@pytest.mark.skipif(not shutil.which("gpg"), reason="gpg is missing: its signatures are not read")
def test_what_gpg_makes(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback"]
    make = ["--passphrase", "", "--quick-gen-key", "a@example", "ed25519", "sign", "never"]
    subprocess.run([*gpg, *make], check=True)
    listed = subprocess.run(
        [*gpg, "--with-colons", "--list-keys"], check=True, capture_output=True, text=True
    ).stdout
    signed = subprocess.run(
        [*gpg, "--passphrase", "", "--detach-sign"], input=b"text", check=True, capture_output=True
    ).stdout
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)
    assert f"fpr:::::::::{issuer(signed)}:" in listed
