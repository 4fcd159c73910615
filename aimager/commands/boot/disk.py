"""The disk that an image is booted from: the image itself, which is never written to, or a copy.

A copy that is kept for the next boot lies beside the image, in a folder of its own.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from aimager import files
from aimager.compression_magics import LONGEST_MAGIC, suffix_of
from aimager.errors import ConfigError, HostError
from aimager.locks import lock_folder
from aimager.units import exact_size

_DISK = "disk.img"
_BEGUN = "begun-from.json"


@dataclass(frozen=True)
class Disk:
    """What QEMU opens; one that ``is_own`` is the machine's to write to."""

    path: Path
    is_own: bool


@dataclass(frozen=True)
class _Begun:
    """What a kept disk was begun from: an image with this size and SHA-256, which had this time."""

    size: int
    mtime_ns: int
    sha256: str


def kept_folder(image: Path) -> Path:
    """Where the disk is kept that was begun from an image."""
    return image.with_name(f"{image.name}.kept")


@contextmanager
def make_disk(image: Path, size: int | None, *, keep: bool, work: Path) -> Iterator[Disk]:
    """A disk of ``size`` bytes with what ``image`` holds; None: as large as it has to be.

    A copy that is not kept lies in ``work`` and goes when the block ends.

    :raises ConfigError: when the image is compressed, or ``size`` is too small
    :raises HostError: when the disk that is kept was begun from another image, or is in use
    """
    _check(image, size)
    if keep:
        with _held(kept_folder(image)) as folder:
            yield Disk(_kept(image, size, folder), is_own=True)
        return
    if size is None:
        yield Disk(image, is_own=False)
        return
    with tempfile.TemporaryDirectory(prefix="boot-", dir=work) as name:
        copy = Path(name, _DISK)
        files.grow_copy(image, copy, size)
        yield Disk(copy, is_own=True)


def _check(image: Path, size: int | None) -> None:
    with image.open("rb") as stream:
        suffix = suffix_of(stream.read(LONGEST_MAGIC))
    if suffix:
        raise ConfigError(
            f"{image} is compressed ({suffix}), and no machine boots from that",
            hint="unpack it, and name the file that comes out with image=",
        )
    _check_size(size, image.stat().st_size, image.name)


def _check_size(size: int | None, least: int, of: str) -> None:
    if size is not None and size < least:
        raise ConfigError(
            f"disk-size={exact_size(size)} is less than the {exact_size(least)} of {of}",
            hint="leave it out, or name a larger one",
        )


@contextmanager
def _held(folder: Path) -> Iterator[Path]:
    """Hold the folder, made if missing, against another boot."""
    try:
        lock = lock_folder(folder, mode=files.FOLDER, wait=False)
    except BlockingIOError:
        raise HostError(
            f"the disk in {folder} is in use by another boot",
            hint="end that, or leave keep= out for a disk of its own",
        ) from None
    try:
        yield folder
    finally:
        os.close(lock)


def _kept(image: Path, size: int | None, folder: Path) -> Path:
    """The disk in ``folder``, begun if there is none, and grown to ``size``."""
    disk, note = folder / _DISK, folder / _BEGUN
    if not note.exists():
        with files.publish(disk) as temporary:
            files.grow_copy(image, temporary, size or 0)
        files.publish_text(note, json.dumps(asdict(_describe(image))))
    elif not _is_begun_from(image, note):
        raise HostError(
            f"the disk in {folder} was begun from another {image.name} than is there now",
            hint=f"to begin anew: rm -r {folder}; to boot it as it is: image={disk}",
        )
    _check_size(size, disk.stat().st_size, "the disk that is kept")
    if size is not None:
        os.truncate(disk, size)
    return disk


def _describe(image: Path) -> _Begun:
    status = image.stat()
    return _Begun(status.st_size, status.st_mtime_ns, files.sha256(image))


def _is_begun_from(image: Path, note: Path) -> bool:
    """Whether ``image`` has the bytes it had; they are read only where its time is another."""
    begun, status = _Begun(**json.loads(note.read_bytes())), image.stat()
    if begun.size != status.st_size:
        return False
    return begun.mtime_ns == status.st_mtime_ns or begun.sha256 == files.sha256(image)
