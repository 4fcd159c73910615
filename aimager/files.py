"""Files that appear whole or not at all, their SHA-256, and copies that keep holes."""

import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import IO, Generic, Protocol, TypeVar

from aimager.errors import about
from aimager.trees import walk_tree

T = TypeVar("T")

_CHUNK = 1 << 20
_ZEROS = bytes(_CHUNK)
_FICLONE = 0x40049409  # linux/fs.h

FILE, FOLDER = 0o600, 0o700
"""Modes of what is made and kept: images hold password hashes and keys, which are nobody else's."""

OPEN = 0o644
"""The mode of a file without secrets that the user names, such as a lock to be kept in git."""


class Readers(StrEnum):
    """Who on this machine may read what is made, besides who makes it."""

    nobody = "nobody"
    group = "group"
    all = "all"

    @property
    def file(self) -> int:
        """The mode of a file."""
        return {Readers.nobody: FILE, Readers.group: 0o640, Readers.all: OPEN}[self]

    @property
    def folder(self) -> int:
        """The mode of a folder."""
        return {Readers.nobody: FOLDER, Readers.group: 0o750, Readers.all: 0o755}[self]


def guard_folder(folder: Path, readers: Readers = Readers.nobody) -> None:
    """Make ``folder``, which ``readers`` may read; one that is there becomes so if it is ours."""
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(PermissionError):  # another user's, who has decided
        if stat.S_IMODE(folder.stat().st_mode) & 0o777 != readers.folder:
            folder.chmod(readers.folder)


@contextmanager
def publish(target: Path, *, mode: int = FILE) -> Iterator[Path]:
    """Yield the path of a temporary file that becomes ``target`` when the block ends well.

    It is flushed to the disk before it gets its name (rename(2)), so that no crash leaves a
    product that looks whole. When the block raises, it is removed and ``target`` is untouched; an
    error of a disk that is full names ``target``, if it names no other file.

    A file that was mounted for this process to fill (`aimager.sandbox.handed_files`) is filled:
    whoever opened it publishes it.
    """
    if os.path.ismount(target):
        with about(target):
            yield target
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        with about(target):
            yield temporary
            temporary.chmod(mode)
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            temporary.rename(target)
    finally:
        temporary.unlink(missing_ok=True)


def temporaries(target: Path) -> Iterator[Path]:
    """The temporary files of a `publish` of ``target`` that is under way, or was killed."""
    prefix = f".{target.name}."
    if target.parent.is_dir():
        yield from (p for p in target.parent.iterdir() if p.name.startswith(prefix))


def take_if_other(new: Path, target: Path) -> None:
    """Let the file ``new`` become ``target``, unless that has the same bytes, and stays."""
    if target.is_file() and sha256(target) == sha256(new):
        new.unlink()
        return
    with publish(target) as temporary:
        new.replace(temporary)


def publish_text(target: Path, text: str, *, mode: int = FILE) -> None:
    """Make ``target`` hold ``text``; a file that already does is not touched."""
    if target.is_file() and target.read_bytes() == text.encode():
        return
    with publish(target, mode=mode) as temporary:
        temporary.write_text(text)


class ReadOnce(Generic[T]):
    """Reads each file once, whatever it is called, as long as its size and time stay.

    All is kept, and what it returns is shared: nobody may change it.
    """

    def __init__(self, read: Callable[[bytes], T]) -> None:
        self._read = read
        self._known: dict[tuple[int, int, int, int], T] = {}

    def __call__(self, path: Path) -> T:
        """What the file at ``path`` is read as; what the reading raises is raised again."""
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
            if key not in self._known:
                self._known[key] = self._read(stream.read())
        return self._known[key]


def sha256(source: Path | IO[bytes]) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal. Holes of a file at a path are not read."""
    digest = hashlib.sha256()
    if isinstance(source, Path):
        with source.open("rb") as stream:
            feed(digest, stream.fileno(), 0, os.fstat(stream.fileno()).st_size)
        return digest.hexdigest()
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


class Digest(Protocol):
    """One of hashlib's."""

    def update(self, data: bytes, /) -> None:
        """Take some more bytes."""


def feed(digest: Digest, reader: int, start: int, end: int) -> None:
    """Have ``digest`` take the file's bytes from ``start`` to ``end``; holes are not read."""
    for begin, after in _data(reader, start, end):
        _feed_zeros(digest, begin - start)
        _feed_data(digest, reader, begin, after)
        start = after
    _feed_zeros(digest, end - start)


def _feed_data(digest: Digest, reader: int, start: int, end: int) -> None:
    while start < end and (chunk := os.pread(reader, min(_CHUNK, end - start), start)):
        digest.update(chunk)
        start += len(chunk)


def _feed_zeros(digest: Digest, count: int) -> None:
    for start in range(0, count, _CHUNK):
        digest.update(_ZEROS[: count - start])


def _data(reader: int, start: int, size: int) -> Iterator[tuple[int, int]]:
    """Where data starts and ends between the bytes ``start`` and ``size`` (lseek(2))."""
    while start < size:
        try:
            begin = os.lseek(reader, start, os.SEEK_DATA)
        except OSError:  # ENXIO: only a hole is left
            return
        start = min(os.lseek(reader, begin, os.SEEK_HOLE), size)
        if begin < size:
            yield begin, start


def data_size(path: Path) -> int:
    """The bytes that a file has on the disk, without its holes; 0: it is gone."""
    with suppress(FileNotFoundError):
        return path.stat().st_blocks * 512
    return 0


def tree_size(tree: Path, *, block: int, each: int) -> int:
    """About how many bytes the files of ``tree`` take, in blocks of so many, and ``each`` of them.

    Hard links count once, and so does what is moved away meanwhile, or not at all.
    """
    size, seen = 0, set[tuple[int, int]]()
    for entry in walk_tree(tree, tolerant=True):
        with suppress(FileNotFoundError):
            status = entry.status()
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                content = status.st_size if stat.S_ISREG(status.st_mode) else 0
                size += each + -(-content // block) * block
    return size


def copy_sparse(source: Path, target: Path) -> None:
    """Copy the data of ``source`` and leave its holes as holes (SEEK_DATA, SEEK_HOLE: lseek(2))."""
    size = source.stat().st_size
    with source.open("rb") as reader, target.open("wb") as writer:
        writer.truncate(size)
        copy_data(reader.fileno(), writer.fileno(), size=size)


def share_blocks(source: Path, target: Path) -> bool:
    """Make ``target`` of the blocks of ``source``, as a copy-on-write file system can.

    False: it could not (ioctl_ficlone(2)), and ``target`` is empty.
    """
    with source.open("rb") as reader, target.open("wb") as writer:
        try:
            fcntl.ioctl(writer, _FICLONE, reader.fileno())
        except OSError:
            return False
    return True


def write_sparse(source: IO[bytes], target: Path) -> None:
    """Write what is read from ``source`` to ``target``, with holes where that is zeros."""
    size = 0
    with target.open("wb") as copy:
        while chunk := source.read(_CHUNK):
            if any(chunk):
                copy.seek(size)
                copy.write(chunk)
            size += len(chunk)
        copy.truncate(size)


def write_at(writer: int, data: bytes, at: int) -> None:
    """Write all of ``data`` from byte ``at`` on: one call may write a part of it (pwrite(2))."""
    left = memoryview(data)
    while left:
        count = os.pwrite(writer, left, at)
        left, at = left[count:], at + count


def grow_copy(source: Path, target: Path, size: int) -> None:
    """Make ``target`` a copy of an image on a disk of ``size`` bytes, holes left as holes."""
    copy_sparse(source, target)
    if size > source.stat().st_size:
        os.truncate(target, size)


def copy_data(
    reader: int,
    writer: int,
    *,
    size: int,
    at: int = 0,
    begin: int = 0,
    written: Callable[[int], object] = lambda end: None,
) -> None:
    """Copy the first ``size`` bytes of ``reader`` to ``writer`` at byte ``at``, holes left out.

    Those before ``begin`` are left out too, and move nothing. ``written`` is
    called now and then with the byte of ``writer`` before which no more will be written.
    """
    for start, end in _data(reader, begin, size):
        while start < end:
            # Not copy_file_range(2): it may share or fill holes as the file system likes.
            chunk = os.pread(reader, min(_CHUNK, end - start), start)
            os.pwrite(writer, chunk, at + start)
            start += len(chunk)
            written(at + start)
