"""Passwords as an image keeps them: hashed, with salts that nobody can foresee."""

import hashlib
import json
from collections.abc import Sequence

from aimager.errors import HostError
from aimager.model.settings import HashedPassword, Password
from aimager.toolbox import Toolbox
from aimager.uuids import derive_uuid

_COST = {"n": 1 << 15, "r": 8, "p": 1, "maxmem": 64 << 20}
"""RFC 7914: 32 MiB and 90 ms, where 5000 rounds of SHA-512 (crypt(5)) take 4 ms and no memory."""


def hash_passwords(
    tools: Toolbox, passwords: Sequence[Password], seed: str
) -> tuple[HashedPassword, ...]:
    """Hash passwords (SHA-512, crypt(5)) so that none is ever in an argument or a log.

    Salts follow from the image, which ``seed`` tells from others, and from all of its passwords
    together: so equal inputs make equal images, and no list of hashes can be made before the
    passwords are known. Those that are hashed already stay as they are.

    :raises HostError: when this Python cannot derive salts
    """
    if all(entry.is_hashed for entry in passwords):
        return tuple(HashedPassword(entry.user, entry.password) for entry in passwords)
    secret = derive_secret(passwords, seed)
    hashed = []
    for number, entry in enumerate(passwords):
        if entry.is_hashed:
            hashed.append(HashedPassword(entry.user, entry.password))
            continue
        salt = derive_uuid(secret, f"password {number} of {entry.user}").replace("-", "")[:16]
        argv = ["openssl", "passwd", "-6", "-salt", salt, "-stdin"]
        said = tools.run(argv, input=f"{entry.password}\n".encode(), quiet=True)
        hashed.append(HashedPassword(entry.user, said.strip()))
    return tuple(hashed)


def derive_secret(passwords: Sequence[Password], seed: str) -> str:
    """What the salts of ``passwords`` are derived from.

    A salt can be read by whoever reads the hash beside it, and ids that follow from both by
    everybody; so trying passwords against them must cost more than trying them against the hash.

    :raises HostError: when Python was built with a cryptographic library that has no scrypt
    """
    known = json.dumps([[entry.user, entry.password] for entry in passwords])
    try:
        return hashlib.scrypt(known.encode(), salt=seed.encode(), **_COST).hex()
    except (AttributeError, ValueError) as error:
        raise HostError(
            f"this Python has no scrypt, which clear passwords' salts need: {error}",
            hint="use a Python whose OpenSSL has it, or give hashes: chpasswd=USER:HASH",
        ) from error
