"""What stands in place of a signature as packagers make them is told, and never accepted."""

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.packages.fetch_package import is_signature
from aimager.packages.openpgp.signature import issuer
from aimager.packages.openpgp.trust import Trust
from aimager.packages.verification import problem
from tests.support.openpgp_maker import Made, Secret, packet, plain

NOW = 1_790_000_000
CREATED = NOW - 1_000_000
KEY = Secret("packager", CREATED)
SMALL = Secret("small", CREATED, "rsa1024")
CONTENT = b"content"
GOOD = Made(0, KEY, NOW - 1000)


def armoured(data: bytes) -> bytes:
    content = base64.encodebytes(data)
    return b"-----BEGIN PGP SIGNATURE-----\n\n%s-----END PGP SIGNATURE-----\n" % content


def said(folder: Path, signature: bytes, key: Secret = KEY) -> str:
    """What is said against a signature by a key that is pinned itself."""
    (folder / "content").write_bytes(CONTENT)
    (folder / "content.sig").write_bytes(signature)
    trust = Trust(NOW)
    ring = plain(key, b"Packager <p@example.org>", CREATED + 1).packets()
    trust.add(ring, [key.fingerprint.hex().upper()], ())
    return problem(trust.status(folder / "content.sig", folder / "content"))


@pytest.mark.parametrize(
    "signature",
    [
        GOOD.packet(CONTENT),
        armoured(GOOD.packet(CONTENT)),
        GOOD.packet(CONTENT) * 2,
        armoured(GOOD.packet(CONTENT)) * 2,
        GOOD.packet(CONTENT) + replace(GOOD, hash=8).packet(CONTENT),
        replace(GOOD, issuer="F").packet(CONTENT),
        replace(GOOD, hash=8).packet(CONTENT),
        GOOD.with_sub(28, b"p@example.org").packet(CONTENT),
        GOOD.with_sub(28, b"Packager <p@example.org>").packet(CONTENT),
    ],
)
def test_good_ones(tmp_path: Path, signature: bytes) -> None:
    assert said(tmp_path, signature) == ""


NOT_KNOWN = "has a signature that is not known here: "
CHANGED = f"was changed after the key {KEY.fingerprint.hex().upper()[-16:]} signed it"
NONE = "has a signature file that does not hold a signature"
ODD: dict[str, tuple[bytes, str]] = {
    "a bad one first": (GOOD.packet(b"other") + GOOD.packet(CONTENT), CHANGED),
    "a bad one last": (GOOD.packet(CONTENT) + GOOD.packet(b"other"), CHANGED),
    "a stranger's last": (
        GOOD.packet(CONTENT) + replace(GOOD, by=SMALL).packet(CONTENT),
        f"is signed by the key {SMALL.fingerprint.hex().upper()[-16:]}, which is not in the"
        " keyring",
    ),
    "one that is not known last": (
        GOOD.packet(CONTENT) + replace(GOOD, version=5).packet(CONTENT),
        f"{NOT_KNOWN}it is of version 5",
    ),
    "version 3": (
        replace(GOOD, version=3).packet(CONTENT),
        f"{NOT_KNOWN}it is of version 3",
    ),
    "version 5": (
        replace(GOOD, version=5).packet(CONTENT),
        f"{NOT_KNOWN}it is of version 5",
    ),
    "SHA-1": (
        replace(GOOD, hash=2).packet(CONTENT),
        "has a signature with a hash that is weak or not known here",
    ),
    "tail": (
        replace(GOOD, tail=b"x").packet(CONTENT),
        "has a signature that its key cannot have made",
    ),
    "older than its key": (
        replace(GOOD, time=CREATED - 1).packet(CONTENT),
        "has a signature that its key cannot have made",
    ),
    "critical": (
        GOOD.with_sub(0xE5, b"x").packet(CONTENT),
        f"{NOT_KNOWN}it says something that must be understood and is not",
    ),
    "of text": (replace(GOOD, kind=1).packet(CONTENT), NONE),
    "no issuer": (replace(GOOD, issuer="").packet(CONTENT), NONE),
    "with a marker": (packet(10, b"PGP") + GOOD.packet(CONTENT), NONE),
    "web page": (b"<html>404</html>", NONE),
    "of somebody else's user id": (
        GOOD.with_sub(28, b"q@example.org").packet(CONTENT),
        f"is signed by the key {KEY.fingerprint.hex().upper()}, which no pinned master key vouches"
        " for",
    ),
}


@pytest.mark.parametrize(
    "signature",
    [
        GOOD.packet(CONTENT),
        armoured(GOOD.packet(CONTENT)),
        GOOD.packet(CONTENT) * 2,
        replace(GOOD, version=3).packet(CONTENT),
        replace(GOOD, version=5).packet(CONTENT),
        armoured(replace(GOOD, version=5).packet(CONTENT)),
    ],
)
def test_what_is_fetched_can_be_told_in_the_manifest(signature: bytes) -> None:
    """Whatever gpg may take is kept when it arrives, and read when the image is packed."""
    assert is_signature(signature)
    assert KEY.fingerprint.hex().upper().endswith(issuer(signature)[-16:])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>404</html>",
        b"\x88\x75\x04\x00",
        GOOD.packet(CONTENT)[:-1],
        armoured(GOOD.packet(CONTENT))[:-30],
        plain(KEY, b"Packager", CREATED + 1).packets(),
        armoured(plain(KEY, b"Packager", CREATED + 1).packets()),
    ],
)
def test_what_is_no_signature_is_not_kept(content: bytes) -> None:
    assert not is_signature(content)


@pytest.mark.parametrize("name", ODD)
def test_odd_ones(tmp_path: Path, name: str) -> None:
    signature, expected = ODD[name]
    assert said(tmp_path, signature) == expected


def test_a_small_key(tmp_path: Path) -> None:
    signature = replace(GOOD, by=SMALL).packet(CONTENT)
    assert said(tmp_path, signature, SMALL) == "is signed with a key of too few bits"


@pytest.mark.parametrize("copies", [1, 2])
def test_a_key_that_would_take_hours_is_refused(copies: int) -> None:
    """In one piece, or in two that are merged."""
    certificate = plain(KEY, b"Packager", CREATED + 1).packets()
    users = b"".join(packet(13, b"%d" % number) for number in range(400 // copies))
    signature = replace(GOOD, kind=0x13, flip=True).packet(CONTENT) * (400 // copies)
    trust = Trust(NOW)
    with pytest.raises(ValueError, match="has too many parts and signatures"):
        for copy in range(copies):
            extra = packet(13, b"copy %d" % copy)
            trust.add(certificate + users.replace(b"1", b"%d" % copy) + extra + signature, (), ())
