"""Files that appear whole or not at all, and locks between builds."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_CHUNK = 1 << 20


@contextmanager
def publish(target: Path, *, mode: int = 0o644) -> Iterator[Path]:
    """Yield the path of a temporary file that becomes ``target`` when the block ends well.

    It is flushed to the disk before it gets its name (rename(2)), so that no crash leaves a
    product that looks whole. When the block raises, it is removed and ``target`` is untouched.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
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


def publish_text(target: Path, text: str) -> None:
    """Make ``target`` hold ``text``; a file that already does is not touched."""
    if target.is_file() and target.read_bytes() == text.encode():
        return
    with publish(target) as temporary:
        temporary.write_text(text)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive flock(2) on ``path``, made if missing; released also by a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def sha256(source: Path | IO[bytes]) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    if isinstance(source, Path):
        with source.open("rb") as stream:
            return sha256(stream)
    digest = hashlib.sha256()
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def copy_sparse(source: Path, target: Path) -> None:
    """Copy the data of ``source`` and leave its holes as holes (SEEK_DATA, SEEK_HOLE: lseek(2))."""
    size = source.stat().st_size
    with source.open("rb") as reader, target.open("wb") as writer:
        writer.truncate(size)
        copy_data(reader.fileno(), writer.fileno(), size=size)


def copy_data(reader: int, writer: int, *, size: int, at: int = 0) -> None:
    """Copy the first ``size`` bytes of ``reader`` to ``writer`` at byte ``at``, holes left out."""
    end = 0
    while end < size:
        try:
            start = os.lseek(reader, end, os.SEEK_DATA)
        except OSError:  # ENXIO: only a hole is left
            return
        end = min(os.lseek(reader, start, os.SEEK_HOLE), size)
        while start < end:
            # Not copy_file_range(2): it may share or fill holes as the file system likes.
            chunk = os.pread(reader, min(_CHUNK, end - start), start)
            os.pwrite(writer, chunk, at + start)
            start += len(chunk)
