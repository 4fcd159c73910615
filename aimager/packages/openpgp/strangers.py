"""A keyring without the certifications that decide nothing.

Packagers certify one another, friends and strangers them: of the keys of Arch Linux, nearly half
of all signatures are by keys that nobody asks. gpg looks for each of those in all of the keyring.
"""

from collections.abc import Collection, Iterator

from aimager.packages.openpgp.certificate import PUBLIC_KEY, SUBKEY
from aimager.packages.openpgp.key import fingerprint_of
from aimager.packages.openpgp.packets import dearmoured, packets
from aimager.packages.openpgp.signature import CERTIFICATIONS, PACKET, parse

_FINGERPRINT = 40
"""The length of those whose end is the key's id: of keys of version 4."""
_KEY_ID = 16


def without_strangers(keyring: bytes, vouchers: Collection[str]) -> bytes:
    """The keyring without certifications by keys that are not among ``vouchers``, fingerprints.

    What a key says of itself stays, all that revokes anything, and all that is not plainly a
    certification by another.

    :raises ValueError: when the keyring is not whole
    """
    if any(len(name) != _FINGERPRINT for name in vouchers):
        return keyring
    known = {name[-_KEY_ID:] for name in vouchers}
    return b"".join(
        bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4, "big") + body
        for certificate in _certificates(dearmoured(keyring))
        for tag, body in _kept(certificate, known)
    )


def _certificates(data: bytes) -> Iterator[list[tuple[int, bytes]]]:
    certificate: list[tuple[int, bytes]] = []
    for tag, body in packets(data):
        if tag == PUBLIC_KEY and certificate:
            yield certificate
            certificate = []
        certificate.append((tag, body))
    yield certificate


def _kept(certificate: list[tuple[int, bytes]], known: set[str]) -> Iterator[tuple[int, bytes]]:
    keys = [body for tag, body in certificate if tag in (PUBLIC_KEY, SUBKEY)]
    own = {fingerprint_of(body)[-_KEY_ID:] for body in keys}
    is_plain = all(body[:1] == b"\4" for body in keys)
    for tag, body in certificate:
        if not (is_plain and tag == PACKET and _is_strangers(body, own | known)):
            yield tag, body


def _is_strangers(body: bytes, known: set[str]) -> bool:
    made = parse(body)
    return (
        made.kind in CERTIFICATIONS
        and not made.odd
        and bool(made.issuers)
        and known.isdisjoint(name[-_KEY_ID:] for name in made.issuers)
    )
