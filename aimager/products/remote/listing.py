"""What lies in a shared store, and removing some of it: nothing but the files of its entries.

A folder that others write to is walked from a descriptor, so that no link in it leads elsewhere.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from aimager.model.remote import Remote
from aimager.products.remote.exclusive import remove
from aimager.products.remote.transport import StoreError, ask, connected

TOPS = ("product", "pkg")
"""The folders in which entries lie, each two levels deeper."""

_LISTING = 600.0
"""Seconds that a list of all files may take."""

_DEPTH = 4


@dataclass(frozen=True)
class Listed:
    """A file of an entry; ``size`` in bytes, ``changed`` in seconds since 1970, by the store."""

    folder: str
    name: str
    size: int
    changed: float


def list_files(remote: Remote) -> list[Listed]:
    """All files of all entries.

    :raises StoreError: when they cannot be listed
    """
    system, root = connected(remote)
    walk = _walk_folder if _is_folder(remote) else _find
    return ask(remote, lambda: [file for top in TOPS for file in walk(system, root, top)], _LISTING)


def remove_files(remote: Remote, folder: str, names: Iterable[str]) -> None:
    """Remove files of the entry in ``folder`` one after the other; some may be gone.

    :raises StoreError: when one cannot be removed
    """
    if _is_folder(remote):
        _, root = connected(remote)
        ask(remote, partial(_remove_in_folder, root, folder, tuple(names)))
    else:
        remove(remote, [f"{folder}/{name}" for name in names])


def abort_uploads(remote: Remote, before: float) -> None:
    """Let a bucket of S3 forget the parts of uploads that began ``before`` and never ended."""
    if urlsplit(remote.url).scheme == "s3":
        system, root = connected(remote)
        with suppress(StoreError):  # these rights are seldom given
            ask(remote, partial(_abort_uploads, system, root, before), _LISTING)


def _is_folder(remote: Remote) -> bool:
    return urlsplit(remote.url).scheme == "file"


def _find(system: Any, root: str, top: str) -> Iterator[Listed]:
    try:
        found = system.find(f"{root}/{top}", detail=True)
    except FileNotFoundError:
        system.ls(root)  # which fails where the store itself is missing
        return
    for name, about in found.items():
        parts = name.removeprefix(f"{root}/").split("/")
        if len(parts) == _DEPTH and parts[0] == top and {"", ".", ".."}.isdisjoint(parts):
            changed = _seconds(about)
            yield Listed("/".join(parts[:-1]), parts[-1], int(about["size"] or 0), changed)


def _seconds(about: dict[str, Any]) -> float:
    """When a file was changed, as the several file systems tell it."""
    told = next(about[key] for key in ("LastModified", "mtime", "updated") if about.get(key))
    if isinstance(told, str):
        told = datetime.fromisoformat(told)
    return float(told.timestamp())


def _walk_folder(system: Any, root: str, top: str) -> Iterator[Listed]:
    with _opened(root) as store, suppress(FileNotFoundError):
        yield from _walk(store, top, top, _DEPTH - 2)


def _walk(parent: int, name: str, path: str, depth: int) -> Iterator[Listed]:
    """The files ``depth`` levels below a folder, which is opened in its ``parent``."""
    with _opened(name, parent) as here:
        with os.scandir(here) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            is_folder = entry.is_dir(follow_symlinks=False)
            with suppress(FileNotFoundError):  # it has just been removed
                if is_folder and depth:
                    yield from _walk(here, entry.name, f"{path}/{entry.name}", depth - 1)
                elif not is_folder and not depth:
                    status = entry.stat(follow_symlinks=False)
                    yield Listed(path, entry.name, status.st_size, status.st_mtime)


@contextmanager
def _opened(name: str, parent: int | None = None) -> Iterator[int]:
    links = 0 if parent is None else os.O_NOFOLLOW  # the store itself may be one
    descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | links, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _remove_in_folder(root: str, folder: str, names: tuple[str, ...]) -> None:
    top, kind, last = folder.split("/")
    with suppress(FileNotFoundError), _opened(root) as store, _opened(top, store) as tops:
        with _opened(kind, tops) as kinds:
            with _opened(last, kinds) as entry:
                for name in names:
                    with suppress(FileNotFoundError):
                        os.unlink(name, dir_fd=entry)
            with suppress(OSError):  # it is not empty
                os.rmdir(last, dir_fd=kinds)
        with suppress(OSError):
            os.rmdir(kind, dir_fd=tops)


def _abort_uploads(system: Any, root: str, before: float) -> None:
    bucket, _, prefix = root.partition("/")
    wanted = tuple(f"{prefix}/{top}/".lstrip("/") for top in TOPS)
    for start in wanted:
        told = system.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=start)
        for upload in told.get("Uploads") or ():
            if upload["Initiated"].timestamp() < before:
                what = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
                system.call_s3("abort_multipart_upload", Bucket=bucket, **what)
