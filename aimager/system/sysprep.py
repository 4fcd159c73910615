"""What no two machines may share, removed from a root before it is archived."""

import os
import shutil
from pathlib import Path

_PATTERNS = (
    "etc/machine-id",
    "etc/pacman.d/gnupg",
    "etc/ssh/ssh_host_*",
    "var/lib/systemd/random-seed",
    "var/lib/systemd/credential.secret",
    "var/lib/dbus/machine-id",
    "boot/loader/random-seed",
    "root/.gnupg",
)
"""Secrets and ids; the first boot makes them anew."""

_TRACES = (
    "var/cache/ldconfig/aux-cache",
    "var/log/pacman.log",
    "var/log/journal/*",
    "etc/.pwd.lock",
)
"""Traces of the build, which differ from one to the next."""


def remove_identity(root: Path) -> None:
    """Remove every secret, id and seed from ``root``, and the traces of the build."""
    for pattern in (*_PATTERNS, *_TRACES):
        for path in root.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def empty_logs(root: Path) -> None:
    """Empty the logs of ``root``, which may have run elsewhere."""
    if (root / "var/log").is_symlink():  # it may lead out of the root
        return
    for folder, _, names in os.walk(root / "var/log"):
        for path in (Path(folder, name) for name in names):
            if path.is_file() and not path.is_symlink() and path.stat().st_size:
                os.truncate(path, 0)
