"""Public keys as packets: a user's file of them, and which there are, whatever their kind."""

from dataclasses import dataclass, field

from aimager.packages.openpgp.certificate import (
    KEYBOX,
    PACKETS,
    PUBLIC_KEY,
    SECRET,
    SUBKEY,
    USER_ID,
)
from aimager.packages.openpgp.key import fingerprint_of
from aimager.packages.openpgp.packets import dearmoured, packets

_PRIVATE = (b"PRIVATE KEY", b"private-key")
"""Words of ASCII armour and PEM, and of the files in gpg-agent's private-keys-v1.d."""


def read_public_keys(data: bytes) -> bytes:
    """The public keys in a file, binary; words between ASCII-armoured blocks are left out.

    :raises ValueError: when it holds a private key, or part of one, or anything but public keys,
        or is damaged
    """
    if data[8:12] == KEYBOX:
        raise ValueError("is a keybox of GnuPG")
    if any(word in data for word in _PRIVATE):
        raise ValueError("holds a private key")
    try:
        keys = dearmoured(data)
        tags = [tag for tag, _ in packets(keys)]
    except ValueError as error:
        raise ValueError("is not a whole file of OpenPGP keys") from error
    if SECRET & set(tags):
        raise ValueError("holds a private key")
    if not tags or tags[0] != PUBLIC_KEY or set(tags) - PACKETS:
        raise ValueError("holds something else than OpenPGP keys")
    try:
        list_keys(keys)
    except ValueError as error:
        raise ValueError("holds a key that is too long") from error
    return keys


@dataclass
class PublicKey:
    """A key of a keyring: the fingerprints of its primary key and of all subkeys, and its packets.

    Nothing of it is verified. Without a user id gpg takes no key (g10/import.c).
    """

    fingerprint: str
    names: set[str] = field(default_factory=set)
    has_user: bool = False
    content: bytearray = field(default_factory=bytearray)

    def is_named(self, names: tuple[str, ...]) -> bool:
        """Whether one of ``names``, fingerprints or key ids, is of it or of a subkey."""
        return any(name.endswith(names) for name in self.names)


def list_keys(keyring: bytes) -> dict[str, PublicKey]:
    """The keys of a keyring, binary or ASCII-armoured, by the fingerprints of the primary ones.

    What gpg would read in it and is not seen here must not be there: it is given to gpg as it is.

    :raises ValueError: when it is not whole, or holds anything but public keys
    """
    found: dict[str, PublicKey] = {}
    key: PublicKey | None = None
    for tag, body in packets(dearmoured(keyring)):
        if tag in SECRET:
            raise ValueError("it holds a private key")
        if tag not in PACKETS:
            raise ValueError(f"it holds an OpenPGP packet of type {tag}, which is of no public key")
        if tag == PUBLIC_KEY:
            name = fingerprint_of(body)
            key = found.setdefault(name, PublicKey(name, {name}))
        if key is None:
            continue
        if tag == SUBKEY:
            key.names.add(fingerprint_of(body))
        key.has_user = key.has_user or tag == USER_ID
        key.content += bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4, "big") + body
    return found
