"""The store of packages: whether the files in it are those that a lock names.

A package's file is given its build date as modification time once its bytes have been compared.
So one of that time and size is not read again, and one that was changed, or that lies in a restored
cache, is.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from aimager import limits, units
from aimager.errors import DownloadError, HostError
from aimager.files import FILE, publish, sha256
from aimager.locks import locked
from aimager.model.lock import LockedPackage

Refused = Mapping[str, str]
"""Files of a store by their paths in it, with the SHA-256 of what was refused of each."""

_NOTHING: Refused = MappingProxyType({})


def is_stored(package: LockedPackage, store: Path, refused: Refused = _NOTHING) -> bool:
    """Whether ``store`` holds the package as it is locked, and a signature of it.

    Nothing of it may be what was ``refused``.
    """
    return has_signature(package, store, refused) and has_file(package, store, refused)


def has_signature(package: LockedPackage, store: Path, refused: Refused = _NOTHING) -> bool:
    """Whether ``store`` holds a signature of the package, other than one that was refused."""
    path = package.signature(store)
    return path.exists() and not _is_refused(path, store, refused)


def has_file(package: LockedPackage, store: Path, refused: Refused = _NOTHING) -> bool:
    """Whether ``store`` holds the package's file as it is locked."""
    path = package.path(store)
    if not path.is_file() or _is_refused(path, store, refused):
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


def _is_refused(path: Path, store: Path, refused: Refused) -> bool:
    if not refused:
        return False
    name = name_in(path, store)
    return name in refused and digest_of(path) == refused[name]


def name_in(path: Path, store: Path) -> str:
    """The path of a file of ``store`` in it."""
    return str(path.relative_to(store))


def digest_of(path: Path) -> str:
    """The SHA-256 of a file; empty where there is none, as another build may just have removed it.

    What takes its place does so at once, so that it is of the one or of the other.
    """
    try:
        return sha256(path)
    except (FileNotFoundError, IsADirectoryError):
        return ""


def lock_of(package: LockedPackage, store: Path) -> Path:
    """The file whose lock whoever changes the package's files in ``store`` holds."""
    path = package.path(store)
    return path.with_name(f".{path.name}.lock")


def read_refused(package: LockedPackage, store: Path, refused: Refused) -> bytes | None:
    """The signature of the package if it is still the one that was refused; None: it is not."""
    path = package.signature(store)
    expected = refused.get(name_in(path, store))
    try:
        with path.open("rb") as stream:
            content = stream.read(limits.SIGNATURE + 1)
    except (FileNotFoundError, IsADirectoryError):
        return None
    is_it = expected == hashlib.sha256(content).hexdigest()
    return content if is_it else None


def put_back(
    package: LockedPackage, store: Path, signature: bytes, refused: Refused | None
) -> None:
    """Let the package have the signature that it had, in place of one that is ``refused`` as well.

    None: in place of any.
    """
    with locked(lock_of(package, store)):
        if refused is None or not has_signature(package, store, refused):
            with publish(package.signature(store)) as temporary:
                temporary.write_bytes(signature)


def mark_compared(package: LockedPackage, store: Path) -> None:
    """Note that the package's file has been found to be as it is locked."""
    with suppress(PermissionError):  # of another user; then it is read again next time
        os.utime(package.path(store), (package.build_date, package.build_date))


def part_of(package: LockedPackage, store: Path) -> Path:
    """The file of a download of the package that is under way, or was broken off."""
    path = package.path(store)
    return path.with_name(f"{path.name}.part")


@contextmanager
def begun_part(package: LockedPackage, store: Path) -> Iterator[Path]:
    """The same, there in any case while in the block, in which the package's lock is held."""
    part = part_of(package, store)
    part.parent.mkdir(parents=True, exist_ok=True)
    part.touch(mode=FILE)
    try:
        yield part
    finally:
        if part.exists() and not part.stat().st_size:
            part.unlink()


@contextmanager
def new_signature(package: LockedPackage, store: Path) -> Iterator[Path]:
    """An empty file for what is to become the package's signature; the package's lock is held."""
    path = package.signature(store)
    new = path.with_name(f".{path.name}.new")
    new.parent.mkdir(parents=True, exist_ok=True)
    new.unlink(missing_ok=True)
    new.touch(mode=FILE, exist_ok=False)
    try:
        yield new
    finally:
        new.unlink(missing_ok=True)


def keep_package(
    package: LockedPackage, store: Path, part: Path | None, signature: Path | None
) -> None:
    """Take what was downloaded into the store; None: that is there already.

    The package is compared once more: who fetched it need not be believed.

    :raises DownloadError: when it is not as it is locked
    """
    path = package.path(store)
    if part:
        if part.stat().st_size != package.size or sha256(part) != package.sha256:
            part.unlink()
            raise DownloadError(
                f"{package.file} changed while it was fetched",
                hint="build again; whoever can write to the cache may have changed it",
            )
        with publish(path) as temporary:
            part.replace(temporary)
        mark_compared(package, store)
    if signature:
        with publish(package.signature(store)) as temporary:
            signature.replace(temporary)


_BYTES_OF_A_FILE = 32 << 10
"""How large a file of a root is at least, in the mean of many."""


def check_space(folder: Path, size: int, what: str) -> str:
    """See that ``folder`` has room for ``size`` bytes, and for as many files as these may be.

    :raises HostError: when it has not; ``what`` says what they are of
    """
    status = os.statvfs(folder)
    free, files = status.f_bavail * status.f_frsize, status.f_favail
    if free < size:
        raise HostError(
            f"{what} takes up to {units.size(size)}, and the disk of {folder} has"
            f" {units.size(free)} free",
            hint="doit cache-prune size=10GiB makes room; AIMAGER_CACHE=FOLDER names another disk",
        )
    wanted = size // _BYTES_OF_A_FILE
    if status.f_files and files < wanted:  # btrfs and others have as many as they need: 0
        raise HostError(
            f"{what} takes about {wanted} inodes, and the disk of {folder} has {files} free",
            hint="remove many small files (df --inodes tells), or AIMAGER_CACHE=FOLDER names"
            " another disk",
        )
    counted = f" and {files} inodes" if status.f_files else ""
    takes = f"; {what} takes up to {units.size(size)}" if size else ""
    return f"{units.size(free)}{counted} free{takes}"
