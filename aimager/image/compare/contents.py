"""What an image or an archive of a root holds, read for being compared."""

import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import IO

from aimager.compression import recognized
from aimager.compression_magics import LONGEST_MAGIC, suffix_of
from aimager.errors import ConfigError, ImageError
from aimager.image.changed_image import ChangedImage
from aimager.image.compare.entry import LONGEST_PATHS, MOST_FILES, Entry, Found, too_much
from aimager.image.compare.ext4_entries import read_ext4
from aimager.image.compare.fat_entries import read_fat
from aimager.image.compare.packages import Package, read_record
from aimager.image.compare.tar_entries import read_archive
from aimager.image.filesystem.ext4_layout import UnknownLayoutError
from aimager.image.finished.disk import Part, find_file_system, find_mounts, find_parts
from aimager.image.finished.disk_label import Slot, read_label
from aimager.image.finished.ext4_files import Ext4Files
from aimager.image.finished.fat_files import FatFiles
from aimager.limits import PACKAGE_UNPACKED
from aimager.model.layout import Extent
from aimager.model.partition import FileSystem

_DAMAGES = (struct.error, IndexError, ZeroDivisionError, OverflowError, RecursionError)
"""What reading metadata raises that lies: an image may be anybody's."""

_USTAR, _FSTAB = 257, "etc/fstab"
_QCOW2 = b"QFI\xfb"


class Form(StrEnum):
    """What files lie in, which decides what is known of them."""

    image = "image"
    archive = "archive"


@dataclass
class Contents:
    """What was found: ``entries`` by path, which begins with a slash, or with its partition.

    ``packages`` are those of pacman's local database, None where there is none. ``facts`` tell of
    the partition table and of ids, and ``notes`` of what cannot be read here, a sentence each.
    ``places`` are what the paths of each file system begin with, by the number of its partition,
    0 where there are none, and ``unread`` the numbers of those whose files cannot be read.
    ``paths_size`` is how many characters all paths and targets have.
    """

    form: Form
    entries: dict[str, Entry] = field(default_factory=dict)
    packages: dict[str, Package] | None = None
    facts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    places: dict[int, str] = field(default_factory=dict)
    unread: set[int] = field(default_factory=set)
    paths_size: int = 0


def read_contents(path: Path) -> Contents:
    """What the image or archive at ``path`` holds.

    :raises ConfigError: when it is neither
    :raises ImageError: when it is damaged
    """
    if _is_archive(path):
        contents = Contents(Form.archive)
        _take(contents, partial(_mounted_path, ""), path.name, read_archive(path))
        return contents
    try:
        with path.open("rb") as stream:
            return _read_image(path, stream)
    except _DAMAGES as error:
        raise ImageError(
            f"{path.name} is damaged: {error}", hint="take another copy, or build it anew"
        ) from error


def _is_archive(path: Path) -> bool:
    """:raises ConfigError: when it is compressed, and no archive"""
    with path.open("rb") as stream:
        compression = suffix_of(stream.read(LONGEST_MAGIC))
    try:
        with recognized(path, limit=PACKAGE_UNPACKED) as content:
            is_archive = content.read(512)[_USTAR : _USTAR + 5] == b"ustar"
    except ValueError as error:
        raise ImageError(
            f"{path.name} is damaged: {error}", hint="take another copy, or build it anew"
        ) from error
    if compression and not is_archive:
        raise ConfigError(
            f"{path.name} is compressed, and only archives of roots are compared so",
            hint="decompress it first, or name the image that is not compressed",
        )
    return is_archive


def _take(contents: Contents, place: Callable[[str], str], name: str, found: Found) -> None:
    """Add what was found in one file system, each path as ``place`` has it.

    :raises ImageError: when a package's record is damaged, or there is too much
    """
    packages = {}
    for path, entry, record in found:
        placed = place(path)
        contents.entries[placed] = entry
        contents.paths_size += len(placed) + len(entry.target)
        if len(contents.entries) > MOST_FILES or contents.paths_size > LONGEST_PATHS:
            raise too_much(name, "it holds too many files, or too long paths")
        if record:
            package_name, package = _read_record(name, record)
            packages[package_name] = package
    if packages:
        contents.packages = {**(contents.packages or {}), **packages}


def _read_record(name: str, record: bytes) -> tuple[str, Package]:
    try:
        return read_record(record)
    except ValueError as error:
        raise ImageError(
            f"a package's record in {name} is damaged: {error}",
            hint="take another copy, or build it anew",
        ) from error


def _read_image(path: Path, stream: IO[bytes]) -> Contents:
    contents = Contents(Form.image)
    size = os.fstat(stream.fileno()).st_size
    whole = ChangedImage(stream, Extent(0, size))
    kind = find_file_system(whole)
    label = None if kind else read_label(whole)
    if kind:
        parts: tuple[Part, ...] = (Part(Slot(0, whole.extent, ""), kind, whole),)
    elif label and label.slots:
        parts = find_parts(stream, label)
        contents.facts["partition table"] = f"{label.label} {label.id}"
        for slot in label.slots:
            called = f"partition {slot.number}"
            contents.facts[f"{called}: PARTUUID"] = slot.partuuid
            contents.facts[f"{called}: place"] = f"{slot.extent.start}+{slot.extent.size}"
    else:
        raise _refused(path, whole)
    for part, place in _places(parts):
        _read_part(contents, part, place)
    return contents


def _refused(path: Path, image: ChangedImage) -> ConfigError:
    """The error for what holds nothing that is known here."""
    if image.read(0, len(_QCOW2)) == _QCOW2:
        return ConfigError(
            f"{path} is in the form qcow2, which is not compared",
            hint="name a raw one, which qemu-img convert -O raw makes of it",
        )
    if image.read(510, 2) == b"\x55\xaa":
        return ConfigError(
            f"{path} has no partition table that is in order",
            hint="it may be cut off: take another copy, or build it anew",
        )
    return ConfigError(
        f"{path} holds nothing that can be compared",
        hint="name images of disks or partitions, archives of roots, results' folders,"
        " manifest.json or lock files",
    )


def _places(parts: tuple[Part, ...]) -> Iterator[tuple[Part, Callable[[str], str]]]:
    """Each partition, the root first, and how its paths are told: as its system mounts them, or by
    the number of one that it does not mount."""
    root = next((part for part in parts if _has_fstab(part)), None)
    mounted = {"": parts[0]} if len(parts) == 1 and not parts[0].slot.number else {}
    if root:
        mounted = find_mounts(root, parts)
    seen = set()
    for top, part in mounted.items():
        if part.slot.number not in seen:  # it may be mounted in several places
            seen.add(part.slot.number)
            yield part, partial(_mounted_path, top)
    for part in parts:
        if part.slot.number not in seen:
            yield part, f"partition {part.slot.number}: /{{}}".format


def _mounted_path(top: str, name: str) -> str:
    return f"/{'/'.join(filter(None, (top, name)))}"


def _can_be_read(part: Part) -> bool:
    """Whether it is no ext4, or one of those that are read here."""
    if part.kind is not FileSystem.ext4:
        return True
    try:
        Ext4Files(part.image)
    except UnknownLayoutError:
        return False
    return True


def _has_fstab(part: Part) -> bool:
    if part.kind is not FileSystem.ext4 or not _can_be_read(part):
        return False
    found = Ext4Files(part.image).find(_FSTAB)
    return found is not None and found.is_file


def _read_part(contents: Contents, part: Part, place: Callable[[str], str]) -> None:
    number, name = part.slot.number, part.image.name
    called = f"partition {number}" if number else name
    contents.places[number] = f"{place('').rstrip('/')}/"
    fact = f"partition {number}" if number else "image"  # which may have another name
    if part.id:
        contents.facts[f"{fact}: UUID of {part.kind}"] = part.id
    if not _can_be_read(part):
        contents.unread.add(number)
        contents.notes.append(
            f"{called} has an ext4 that was in use, or that others have made: its files are not"
            " compared, only its bytes"
        )
    elif part.kind is FileSystem.ext4:
        _take(contents, place, name, read_ext4(Ext4Files(part.image)))
    elif part.kind is FileSystem.vfat:
        _take(contents, place, name, read_fat(FatFiles(part.image)))
    elif part.kind is not FileSystem.swap:
        contents.facts[f"{fact}: file system"] = part.kind
        contents.unread.add(number)
        contents.notes.append(
            f"{called} has a {part.kind}: its files are not compared, only its bytes"
        )
