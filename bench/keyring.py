"""A pacman keyring of Arch Linux's keys of 2026-09-09, and what gpg alone needs for them."""

import lzma
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aimager.packages.keyring import make_home, populate
from aimager.packages.keyring_files import KeyringFiles
from aimager.packages.keyring_trust import TrustedKeys
from aimager.toolbox import Toolbox

_FOLDER = Path(__file__).parent.parent / "tests/packages/keyrings"


def _files() -> KeyringFiles:
    keys = lzma.decompress((_FOLDER / "archlinux-20260909.gpg.xz").read_bytes())
    trusted = (_FOLDER / "archlinux-20260909-trusted").read_text().replace(":4:", "").split()
    revoked = (_FOLDER / "archlinux-20260909-revoked").read_text().split()
    return KeyringFiles(keys, tuple(trusted), tuple(revoked))


@contextmanager
def _home() -> Iterator[Path]:
    """A GnuPG home that is not there yet, whose path has room for gpg-agent's socket."""
    with tempfile.TemporaryDirectory(prefix="aim", dir="/tmp") as folder:
        home = Path(folder) / "k"
        try:
            yield home
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)


def make() -> None:
    """Make the keyring, as keyring-init does."""
    files = _files()
    with _home() as home:
        make_home(Toolbox(None), home)
        populate(Toolbox(None), home, TrustedKeys(files, files.trusted))


def import_alone() -> None:
    """Have gpg import the keys, and nothing else."""
    with _home() as home:
        home.mkdir(mode=0o700)
        (home / "pubring.gpg").touch()
        argv = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--no-auto-check-trustdb"]
        given = _files().keys
        subprocess.run([*argv, "--import"], input=given, capture_output=True, check=False)


CONTENDERS: dict[str, Callable[[], None]] = {"arch-keyring": make, "arch-import": import_alone}
