"""Keyring packages: the mirror's key in the files that ``pacman-key --populate`` reads."""

from aimager.stand_in.entry import Entry, make_file
from aimager.stand_in.tables import CONTENT


def gather_keyring(name: str, fingerprint: str, public_key: bytes) -> list[Entry]:
    """The three files of keyring ``name``; ownertrust 4 is "marginal", as in the real ones."""
    folder = "usr/share/pacman/keyrings"
    return [
        make_file(f"{folder}/{name}.gpg", public_key),
        make_file(f"{folder}/{name}-trusted", f"{fingerprint}:4:\n"),
        make_file(f"{folder}/{name}-revoked", ""),
    ]


def write_scriptlet(name: str) -> bytes:
    """The scriptlet that all keyring packages have, with the keyring's name."""
    return (CONTENT / "install/keyring.install").read_bytes().replace(b"@NAME@", name.encode())
