"""A file of an image as it is compared, and the digest of its content.

Images are anybody's: what is read of one is counted against a limit, and nothing of a file's
content is kept.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from aimager.errors import ImageError
from aimager.image.filesystem.usage import BLOCK

MOST_FILES = 1 << 21
"""Files and folders of one image; each takes some 500 bytes of memory."""

LONGEST_PATHS = 256 << 20
"""Bytes of all paths and targets of one image: of that many files, 128 each."""

LARGEST_RECORD = 1 << 20
"""Bytes of a package's record that is read; the largest real ones have some 30 KB."""

_ZEROS = bytes(BLOCK)
_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Entry:
    """A file by its ``kind``: file, folder, link, device and so on.

    ``mode`` and ``owner`` are None where its file system has none. ``size`` is in bytes, 0 of what
    has no content. ``target`` is a link's, or the numbers of a device. ``digest`` is that of the
    content, and ``attributes`` that of the extended attributes, empty where there are none.
    ``time`` is when the content changed last, in seconds since 1970, of a file in FAT as
    ``YYYYMMDDhhmmss``, None where nobody knows.
    """

    kind: str
    size: int = 0
    mode: int | None = None
    owner: tuple[int, int] | None = None
    target: str = ""
    digest: str = ""
    attributes: str | None = ""
    time: int | None = None


def differing_facts(one: Entry, other: Entry) -> list[str]:
    """In what two files of one path differ, in words; in their times only if in nothing else.

    What one of them does not know differs from nothing.
    """
    if one.kind != other.kind:
        return [f"{one.kind} -> {other.kind}"]
    told = []
    if one.size != other.size:
        told.append(f"size {one.size} -> {other.size}")
    if one.digest != other.digest:
        told.append("content")
    if one.target != other.target:
        told.append(f"target {one.target} -> {other.target}")
    if None not in (one.mode, other.mode) and one.mode != other.mode:
        told.append(f"mode {one.mode:04o} -> {other.mode:04o}")
    if one.owner and other.owner and one.owner != other.owner:
        told.append("owner {}:{} -> {}:{}".format(*one.owner, *other.owner))
    if None not in (one.attributes, other.attributes) and one.attributes != other.attributes:
        told.append("extended attributes")
    if not told and None not in (one.time, other.time) and one.time != other.time:
        told.append(f"time {one.time} -> {other.time}")
    return told


class Digest:
    """The digest of a file's content, whose blocks of zeros count as the holes they may be."""

    def __init__(self, size: int) -> None:
        self._sum = hashlib.sha256(size.to_bytes(8, "little"))

    def update(self, start: int, data: bytes) -> None:
        """Add what the file has at ``start``, which is the begin of a block; in order."""
        view = memoryview(data)
        for at in range(0, len(data), BLOCK):
            block = view[at : at + BLOCK]
            if block != _ZEROS[: len(block)]:
                self._sum.update((start + at).to_bytes(8, "little"))
                self._sum.update(block)

    def finish(self) -> str:
        """The digest in hexadecimal."""
        return self._sum.hexdigest()


class Budget:
    """How much may still be read of an image: no more bytes of content than it has itself."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._bytes = size
        self._files = MOST_FILES

    def take_file(self) -> None:
        """:raises ImageError: when there are too many"""
        self._files -= 1
        if self._files < 0:
            raise too_much(self._name, f"it holds more than {MOST_FILES} files")

    def take_bytes(self, size: int) -> None:
        """:raises ImageError: when files hold more than the image"""
        self._bytes -= size
        if self._bytes < 0:
            raise too_much(self._name, "its files hold more than it has itself")


def too_much(name: str, why: str) -> ImageError:
    """The error for an image, or an archive, that holds more than is read."""
    return ImageError(
        f"{name} is damaged, or was not made for use: {why}",
        hint="take another copy, or build it anew",
    )


Found = Iterator[tuple[str, Entry, bytes]]
"""Paths without a slash in front, what lies there, and what a package's record says."""
