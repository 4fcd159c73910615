"""Keys of ssh for tests, as ssh-keygen writes them."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

SSH_KEY = _KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
"""A line of a file .pub, without a comment."""

PRIVATE_SSH_KEY = _KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
"""What such a file's neighbour holds, which is to be in no image."""
