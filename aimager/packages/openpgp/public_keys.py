"""A file of public keys that a user gives: nothing else is taken out of it, private keys least."""

from aimager.packages.openpgp.certificate import KEYBOX, PACKETS, PUBLIC_KEY, SECRET
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
    return keys
