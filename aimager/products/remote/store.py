"""A store of products and packages that several machines share, and that no build depends on.

::

    URL/product/TASK/ID/    a product's files, record.json, and its signature, record.json.sig
    URL/pkg/AB/SHA256/      a package, its signature, and record.json

A record is written last, and names its files with their SHA-256. So what is half written is not
found, and what is damaged is not taken. A failure is reported once, and the run asks no more; the
build goes on without the store.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from aimager import progress, units
from aimager.codec import decode, encode
from aimager.errors import AimagerError
from aimager.files import publish, sha256
from aimager.model.remote import Remote
from aimager.products.remote.transport import MissingError, StoreError, read, receive, send, write
from aimager.strict_json import parse_json

RECORD = "record.json"
SIGNATURE = f"{RECORD}.sig"

Sign = Callable[[bytes], bytes]
"""Makes the signature of a record."""

LARGEST = 1 << 20
"""Bytes of a record; one of ten files has about two thousand."""

UNREAD = "unread"
UNWRITTEN = "unwritten"
UNCLAIMED = "unclaimed"
UNHEEDED = "unheeded"
_EXPOSED = "exposed"
_UNSIGNED = "unsigned"
_CONSEQUENCES = {
    UNREAD: "the build goes on without it",
    UNWRITTEN: "nothing more is put there",
    UNCLAIMED: "two machines may make the same at the same time",
    UNHEEDED: "the build no longer waits for others",
    _EXPOSED: "only packages are taken from there",
    _UNSIGNED: "whoever can write there decides what is in the images",
}
"""The files of a run that note how the store is no longer used."""


@dataclass(frozen=True)
class SharedFile:
    """A file of an entry; ``size`` in bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Entry:
    """What lies in one folder of the store; ``made_from`` is as `Record`'s.

    A product's says which ``folder`` that is, so that a signed record is of that one alone.
    """

    files: tuple[SharedFile, ...] = ()
    made_from: dict[str, str] = field(default_factory=dict)
    folder: str = ""

    def file(self, name: str) -> SharedFile | None:
        """What is said of the file ``name``."""
        return next((file for file in self.files if file.name == name), None)

    @property
    def names(self) -> list[str]:
        """The names of its files, sorted."""
        return sorted(file.name for file in self.files)


def describe(path: Path) -> SharedFile:
    """What an entry is to say of a file."""
    return SharedFile(path.name, sha256(path), path.stat().st_size)


def find(remote: Remote, folder: str) -> Entry | None:
    """The entry in a folder of the store, whoever wrote it; None if it is missing or damaged."""
    content = read_file(remote, f"{folder}/{RECORD}", limit=LARGEST)
    return parse_entry(content) if content is not None else None


def parse_entry(content: bytes) -> Entry | None:
    """The entry of which a record has this ``content``; None if it is being written, or damaged."""
    try:
        entry: Entry = decode(Entry, parse_json(content))
    except (ValueError, RecursionError):
        return None
    return entry if entry.files else None


def read_file(remote: Remote, path: str, *, limit: int) -> bytes | None:
    """A small file of the store; None if there is none, it is too large, or cannot be read."""
    if is_noted(remote, UNREAD):
        return None
    try:
        return read(remote, path, limit=limit)
    except MissingError:
        return None
    except StoreError as error:
        note(remote, UNREAD, f"failed: {error}")
        return None


def take(
    remote: Remote, folder: str, file: SharedFile, target: Path, *, is_signed: bool = False
) -> bool:
    """Make ``target`` a file of the entry in ``folder``; returns whether the store has it.

    An entry that differs from its record is reported, and, unless that is signed, made void, so
    that it is made again.
    """
    if is_noted(remote, UNREAD) or not _has_room(target, folder, file):
        return False
    fault = ""
    try:
        with publish(target) as temporary:
            receive(remote, f"{folder}/{file.name}", temporary, limit=file.size)
            fault = _fault(temporary, file)
            if fault:
                raise MissingError(fault)
    except MissingError as error:
        refuse(remote, folder, file.name, fault or f"is missing: {error}", is_signed=is_signed)
        return False
    except StoreError as error:
        note(remote, UNREAD, f"failed: {error}")
        return False
    return True


def refuse(remote: Remote, folder: str, name: str, fault: str, *, is_signed: bool = False) -> None:
    """Report what is wrong with a file of the entry in ``folder``; void it, unless it is signed."""
    progress.say(f"   the remote store's {folder}/{name} {fault}")
    if not is_signed:
        _write(remote, folder, Entry())


def _has_room(target: Path, folder: str, file: SharedFile) -> bool:
    """Whether what a record says of a file's size can be true for this machine."""
    target.parent.mkdir(parents=True, exist_ok=True)
    status = os.statvfs(target.parent)
    has_room = 0 <= file.size < status.f_bavail * status.f_frsize
    if not has_room:
        told = f"{folder}/{file.name} is said to have {units.size(file.size)}"
        progress.say(f"   the remote store's {told}, for which there is no room")
    return has_room


def put(
    remote: Remote, folder: str, entry: Entry, source: Path, *, sign: Sign | None = None
) -> None:
    """Put the files of ``entry``, which lie in ``source``, into a folder of the store.

    ``sign`` makes the signature of its record.
    """
    if not is_given_to(remote):
        return
    try:
        for file in entry.files:
            send(remote, f"{folder}/{file.name}", source / file.name)
    except StoreError as error:
        note(remote, UNWRITTEN, f"cannot be written: {error}")
        return
    _write(remote, folder, entry, sign)


def is_given_to(remote: Remote) -> bool:
    """Whether it can be written."""
    failed = is_noted(remote, UNREAD) or is_noted(remote, UNWRITTEN)
    return remote.is_writable and not failed


def is_exposed(remote: Remote) -> bool:
    """Whether somebody on the way could change what comes from there, which is then reported."""
    if remote.is_exposed:
        note(remote, _EXPOSED, "is read by plain http, which anybody on the way can change")
    return remote.is_exposed


def tell_unsigned(remote: Remote) -> None:
    """Say once in a run that anything is taken from there."""
    note(remote, _UNSIGNED, "is used unsigned, as remote-unsigned=yes asks")


def _write(remote: Remote, folder: str, entry: Entry, sign: Sign | None = None) -> None:
    if not is_given_to(remote):
        return
    content = (json.dumps(encode(entry), indent=1, sort_keys=True) + "\n").encode()
    try:
        if sign:
            write(remote, f"{folder}/{SIGNATURE}", sign(content))
        write(remote, f"{folder}/{RECORD}", content)
    except StoreError as error:
        note(remote, UNWRITTEN, f"cannot be written: {error}")
    except AimagerError as error:
        note(remote, UNWRITTEN, f"is not given what cannot be signed: {error.message}")


def _fault(path: Path, file: SharedFile) -> str:
    size = path.stat().st_size
    if size != file.size:
        more = "at least " * (size > file.size)  # no more were asked for
        return f"is damaged: it has {more}{size} bytes and not {file.size}"
    digest = sha256(path)
    return "" if digest == file.sha256 else f"is damaged: it has sha256 {digest}"


def is_noted(remote: Remote, name: str) -> bool:
    """Whether the run has noted this about the store."""
    return (remote.notes / name).exists()


def note(remote: Remote, name: str, fault: str) -> None:
    """Note, and say once in a run, how the store is no longer used, and why."""
    remote.notes.mkdir(parents=True, exist_ok=True)
    try:
        (remote.notes / name).touch(exist_ok=False)
    except FileExistsError:
        return
    progress.say(f"   the remote store {remote.place} {fault}; {_CONSEQUENCES[name]}")
