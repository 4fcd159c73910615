"""An added repository whose keyring package has the real keys of Arch Linux of September 2026."""

import lzma
import shutil
from collections.abc import Sequence
from pathlib import Path

from aimager.stand_in.entry import arrange_entries, make_file
from aimager.stand_in.metadata import Metadata
from aimager.stand_in.package_file import write_database, write_package
from aimager.stand_in.signing import SigningKey
from bench.lab import ROOT

NAME = "real"
PACKAGE = f"{NAME}-keyring"

_KEYS = ROOT / "tests/packages/keyrings"
_REAL = "archlinux-20260909"
_DATE = 1_788_912_000  # 9 September 2026, 0:00 UTC


def words(url: str, trusted: Sequence[str]) -> tuple[str, ...]:
    """What adds the repository, which is at an address, to a build."""
    return (f"add-repos={NAME}={url}", f"trust-key-{NAME}={','.join(trusted)}")


def make_repository(folder: Path, key: SigningKey) -> list[str]:
    """Make it in ``folder``, signed by ``key``; whom to trust, as fingerprints.

    They are the key that signed it, and the master keys of the real keyring.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    keys = lzma.decompress((_KEYS / f"{_REAL}.gpg.xz").read_bytes())
    trusted = (_KEYS / f"{_REAL}-trusted").read_text()
    contents = {
        ".gpg": key.export(armored=True) + keys,
        "-trusted": f"{key.fingerprint}:4:\n{trusted}".encode(),
        "-revoked": (_KEYS / f"{_REAL}-revoked").read_bytes(),
    }
    files = [
        make_file(f"usr/share/pacman/keyrings/{NAME}{end}", data) for end, data in contents.items()
    ]
    metadata = Metadata(PACKAGE, "20260909-1", "any", "Real keys", "", _DATE)
    built = write_package(folder, metadata, arrange_entries(files, _DATE))
    key.sign(folder / built.filename)
    write_database(folder / f"{NAME}.db", [built])
    return [line.partition(":")[0] for line in contents["-trusted"].decode().splitlines()]
