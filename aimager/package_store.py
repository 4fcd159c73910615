"""The store of packages: whether what lies there is what a lock names.

A package's file is given its build date as modification time once its bytes have been compared.
So one of that time and size is not read again, and one that was changed, or that lies in a restored
cache, is.
"""

import os
from contextlib import suppress
from pathlib import Path

from aimager.files import sha256
from aimager.lock import LockedPackage


def is_stored(package: LockedPackage, store: Path) -> bool:
    """Whether ``store`` holds the package as it is locked, and a signature of it."""
    path = package.path(store)
    if not path.is_file() or not package.signature(store).exists():
        return False
    status = path.stat()
    if status.st_size != package.size:
        return False
    if int(status.st_mtime) == package.build_date:
        return True
    if sha256(path) != package.sha256:
        return False
    mark_compared(package, store)
    return True


def mark_compared(package: LockedPackage, store: Path) -> None:
    """Note that the package's file has been found to be as it is locked."""
    with suppress(PermissionError):  # of another user; then it is read again next time
        os.utime(package.path(store), (package.build_date, package.build_date))
