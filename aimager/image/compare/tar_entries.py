"""The members of an archive of a root, as they are compared."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

from aimager import limits
from aimager.compression import recognized
from aimager.errors import ImageError
from aimager.image.compare.entry import LARGEST_RECORD, MOST_FILES, Digest, Entry, Found
from aimager.image.compare.ext4_entries import digest_attributes
from aimager.image.compare.packages import is_record
from aimager.tar_stream import Member, read_members

_CHUNK = 1 << 20


def read_archive(path: Path) -> Found:
    """All that the archive holds, which may be compressed.

    :raises ImageError: when it is damaged, or holds too much
    """
    try:
        with recognized(path, limit=limits.PACKAGE_UNPACKED) as stream:
            yield from _read(stream)
            while stream.read(_CHUNK):
                pass  # for the compression's checksum comes last
    except ValueError as error:
        raise ImageError(
            f"{path.name} is damaged, or no archive: {error}",
            hint="take another copy, or build it anew",
        ) from error


def _read(stream: IO[bytes]) -> Found:
    known: dict[str, Entry] = {}
    for member, pieces in read_members(stream, members=MOST_FILES):
        path = member.name.removeprefix("./").strip("/")
        path = "" if path == "." else path
        record = bytearray()
        entry = _entry(member, pieces, record if _is_wanted(path, member) else None)
        if member.kind == "hard link":
            entry = known.get(member.link.removeprefix("./").strip("/"), entry)
        known[path] = entry
        yield path, entry, bytes(record)


def _is_wanted(path: str, member: Member) -> bool:
    return is_record(path) and member.size <= LARGEST_RECORD


def _entry(member: Member, pieces: Iterator[bytes], record: bytearray | None) -> Entry:
    entry = Entry(
        kind=member.kind,
        mode=member.mode,
        owner=member.owner,
        attributes=digest_attributes(_attributes(member)),
        time=member.time,
    )
    if member.kind in ("link", "hard link"):
        return replace(entry, target=member.link)
    if member.kind.endswith("device"):
        return replace(entry, target="{}:{}".format(*member.device))
    if member.kind != "file":
        return entry
    digest, at = Digest(member.size), 0
    for data in pieces:
        digest.update(at, data)
        at += len(data)
        if record is not None:
            record += data
    return replace(entry, size=member.size, digest=digest.finish())


def _attributes(member: Member) -> dict[str, bytes]:
    """The extended attributes by name; access control lists go by star's keywords."""
    return {
        key.removeprefix(b"SCHILY.xattr.").decode(errors="surrogateescape"): value
        for key, value in member.attributes
    }
