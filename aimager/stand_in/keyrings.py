"""Keyring packages: the mirror's key in the files that ``pacman-key --populate`` reads."""

from collections.abc import Iterable
from pathlib import Path

from aimager.stand_in.deb import read_entries
from aimager.stand_in.entry import Entry, make_file
from aimager.stand_in.tables import CONTENT


def gather_keyring(
    name: str, fingerprint: str, public_key: bytes, debs: Iterable[Path] = ()
) -> list[Entry]:
    """The three files of keyring ``name``; ownertrust 4 is "marginal", as in the real ones.

    With the mirror's key are those of the real keyring that Debian has packaged in ``debs``.
    """
    folder = "usr/share/pacman/keyrings"
    files = {".gpg": public_key, "-trusted": f"{fingerprint}:4:\n".encode(), "-revoked": b""}
    for entry in (entry for deb in debs for entry in read_entries(deb)):
        for end in files:
            if entry.path.startswith("usr/share/keyrings/") and entry.path.endswith(end):
                files[end] += entry.data
    return [make_file(f"{folder}/{name}{end}", data) for end, data in files.items()]


def write_scriptlet(name: str) -> bytes:
    """The scriptlet that all keyring packages have, with the keyring's name."""
    return (CONTENT / "install/keyring.install").read_bytes().replace(b"@NAME@", name.encode())
