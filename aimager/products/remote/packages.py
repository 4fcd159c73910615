"""Packages in a shared store: by the SHA-256 that the lock names, each with its signature.

The store is not trusted: signatures are verified when packages are used. One is
put there only after that.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from aimager import limits
from aimager.files import publish_text
from aimager.locks import locked
from aimager.model.lock import LockedPackage
from aimager.model.remote import Remote
from aimager.packages.fetch_package import is_signature
from aimager.packages.store import Refused, has_signature, is_stored, lock_of, mark_compared
from aimager.products.remote.store import (
    Entry,
    SharedFile,
    describe,
    find,
    is_given_to,
    put,
    refuse,
    take,
)
from aimager.products.remote.transport import each


def take_packages(
    remote: Remote | None, packages: Sequence[LockedPackage], store: Path, refused: Refused
) -> list[LockedPackage]:
    """Those of ``packages`` that came from ``remote`` to ``store``, which lacks what it refused."""
    if remote is None:
        return []
    had = each(partial(_take, remote, store, refused), packages)
    return [package for package, was_had in zip(packages, had, strict=True) if was_had]


def give_packages(remote: Remote, packages: Sequence[LockedPackage], store: Path) -> None:
    """Put those that ``remote`` does not have yet there; they have been verified."""
    if is_given_to(remote):
        signed = [package for package in packages if package.is_signed]
        each(partial(_give, remote, store), signed)


def _take(remote: Remote, store: Path, refused: Refused, package: LockedPackage) -> bool:
    path, signature = package.path(store), package.signature(store)
    with locked(lock_of(package, store)):  # which a download of it holds, too
        if is_stored(package, store, refused):
            return False
        lacks_signature = not has_signature(package, store, refused)
        taken = _taken(signature)
        folder, signed = _folder(package), _find_signature(remote, package)
        if signed is None:
            return False
        # What was taken, and is no longer there or does not count, was refused.
        if taken == signed.sha256 and lacks_signature:
            refuse(remote, folder, signed.name, "is not trusted")
            return False
        if signed.size > limits.SIGNATURE:
            refuse(remote, folder, signed.name, f"has {signed.size} bytes, which is too large")
            return False
        # What lies there without a signature had one that was refused: the mirror's is wanted.
        if path.exists() and lacks_signature:
            return False
        if not take(remote, folder, signed, signature):
            return False
        if not is_signature(signature.read_bytes()):
            signature.unlink()
            refuse(remote, folder, signed.name, "is not a signature")
            return False
        publish_text(_note_of(signature), signed.sha256)
        if not take(remote, folder, _locked_file(package), path):
            return False
        mark_compared(package, store)
        return True


def _note_of(signature: Path) -> Path:
    """Where it is noted that a signature came from there, by its SHA-256."""
    return signature.with_name(f".{signature.name}.shared")


def _taken(signature: Path) -> str:
    note = _note_of(signature)
    return note.read_text() if note.is_file() else ""


def _give(remote: Remote, store: Path, package: LockedPackage) -> None:
    if is_given_to(remote) and not _find_signature(remote, package):
        files = (_locked_file(package), describe(package.signature(store)))
        put(remote, _folder(package), Entry(files), package.path(store).parent)


def _find_signature(remote: Remote, package: LockedPackage) -> SharedFile | None:
    """The signature in the package's entry, if that is of the package as it is locked."""
    entry = find(remote, _folder(package))
    if entry is None or entry.file(package.file) != _locked_file(package):
        return None
    return entry.file(f"{package.file}.sig")


def _locked_file(package: LockedPackage) -> SharedFile:
    return SharedFile(package.file, package.sha256, package.size)


def _folder(package: LockedPackage) -> str:
    return f"pkg/{package.sha256[:2]}/{package.sha256}"
