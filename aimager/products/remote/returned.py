"""Images on their way from the worker that has made them, by the store that both use.

They hold hashes of passwords, and whatever was put into them. So they lie there only until they are
taken::

    URL/returned/TASK/ID/    NAME.way for each file, record.json, and its signature

``NAME.way`` is compressed by zstd: a line of JSON, which tells where the file has data, and the
data. So holes cost nothing, and are holes again.
"""

import io
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from aimager import progress
from aimager.codec import decode, encode
from aimager.files import publish, sha256
from aimager.model.remote import Remote
from aimager.products.cache import describe_files
from aimager.products.record import KeptFile, Record
from aimager.products.remote.signed import find_product, has_product, put_product, trusted_entry
from aimager.products.remote.store import Entry, describe, is_exposed
from aimager.products.remote.store import take as take_file
from aimager.products.remote.transport import StoreError, remove
from aimager.products.stage import Stage, outputs

_SUFFIX = ".way"
_CHUNK = 1 << 20
_LEVEL = 1  # a worker's time is dearer than a store's room, which is used for seconds
_LONGEST = 16 << 20
"""Bytes of the line of JSON; a piece of data takes about 25."""


@dataclass(frozen=True)
class _Head:
    """What the file is, and where it has data: the bytes from one number to another."""

    file: KeptFile
    pieces: tuple[tuple[int, int], ...]


def is_returned(remote: Remote, task: str, id: str) -> bool:
    """Whether a product lies there, to be taken."""
    return has_product(remote, _folder(task, id))


def send_back(remote: Remote, record: Record, view: Path) -> None:
    """Put the product of ``record``, whose files lie in ``view``, there for who asked for it."""
    way = _way(remote)
    try:
        for file in record.files:
            progress.step(f"packing {file.name} for its way")
            pack(view / file.name, file, way / f"{file.name}{_SUFFIX}")
        packed = tuple(describe(way / f"{file.name}{_SUFFIX}") for file in record.files)
        folder = _folder(record.task, record.id)
        progress.step("sending it back")
        put_product(remote, folder, Entry(packed, record.made_from, folder), way)
    except BaseException:
        with suppress(StoreError):
            discard(remote, record.task, record.id)
        raise
    finally:
        _clear(way)


def take_back(remote: Remote, stage: Stage, record: Record, id: str) -> Record | None:
    """``record`` with the files of the product ``id``, laid where the stage lays them; None: the
    store does not have them.
    """
    if remote.trust.unsigned and is_exposed(remote):
        return None
    folder, way = _folder(record.task, id), _way(remote)
    found = find_product(remote, folder)
    entry = trusted_entry(remote, folder, found) if found else None
    targets = {f"{path.name}{_SUFFIX}": path for path in outputs(stage)}
    if entry is None or entry.made_from != record.made_from or entry.names != sorted(targets):
        return None
    is_signed = not remote.trust.unsigned
    sums: dict[str, str] = {}
    try:
        for file in entry.files:
            if not take_file(remote, folder, file, way / file.name, is_signed=is_signed):
                return None
            target = targets[file.name]
            progress.step(f"unpacking {target.name}")
            head = unpack(way / file.name, target)
            (way / file.name).unlink()
            if head is None or sha256(target) != head.sha256:
                progress.say(f"   the remote store's {folder}/{file.name} is damaged")
                return None
            sums[target.name] = head.sha256
    finally:
        _clear(way)
    return replace(record, files=describe_files(list(targets.values()), sums))


def discard(remote: Remote, task: str, id: str) -> None:
    """Remove a product from there.

    :raises StoreError: when it cannot be removed
    """
    if remote.is_writable:
        remove(remote, _folder(task, id))


def pack(source: Path, file: KeptFile, target: Path) -> None:
    """Make ``target`` the file ``source``, of which ``file`` tells, as it goes its way."""
    import zstandard  # here, because most builds send nothing

    target.parent.mkdir(parents=True, exist_ok=True)
    compressor = zstandard.ZstdCompressor(level=_LEVEL)
    with source.open("rb") as reader, target.open("wb") as stream:
        pieces = tuple(_pieces(reader))
        with compressor.stream_writer(stream, closefd=False) as writer:
            writer.write(f"{json.dumps(encode(_Head(file, pieces)))}\n".encode())
            for start, end in pieces:
                while start < end and (
                    chunk := os.pread(reader.fileno(), min(_CHUNK, end - start), start)
                ):
                    writer.write(chunk)
                    start += len(chunk)


def unpack(source: Path, target: Path) -> KeptFile | None:
    """Make ``target`` the file that was packed, and return what it is; None: it is damaged."""
    import zstandard

    try:
        with source.open("rb") as stream, publish(target) as temporary:
            reader = io.BufferedReader(
                zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True), _CHUNK
            )
            head: _Head = decode(_Head, json.loads(reader.readline(_LONGEST)))
            with temporary.open("wb") as writer:
                os.truncate(writer.fileno(), head.file.size)
                _fill(writer, reader, head)
            os.utime(temporary, ns=(head.file.mtime_ns, head.file.mtime_ns))
    except (ValueError, EOFError, zstandard.ZstdError):
        return None
    return head.file


def _fill(writer: IO[bytes], reader: IO[bytes], head: _Head) -> None:
    for start, end in head.pieces:
        if not 0 <= start <= end <= head.file.size:
            raise ValueError("a piece lies outside of the file")
        while start < end:
            chunk = reader.read(min(_CHUNK, end - start))
            if not chunk:
                raise EOFError
            os.pwrite(writer.fileno(), chunk, start)
            start += len(chunk)


def _pieces(reader: IO[bytes]) -> Iterator[tuple[int, int]]:
    """Where the file has data (lseek(2))."""
    place, size = 0, os.fstat(reader.fileno()).st_size
    while place < size:
        try:
            begin = os.lseek(reader.fileno(), place, os.SEEK_DATA)
        except OSError:  # ENXIO: only a hole is left
            return
        place = min(os.lseek(reader.fileno(), begin, os.SEEK_HOLE), size)
        yield begin, place


def _folder(task: str, id: str) -> str:
    return f"returned/{task}/{id}"


def _way(remote: Remote) -> Path:
    """A folder of this process in the run's, for files on their way."""
    return remote.notes.with_name("way") / str(os.getpid())


def _clear(way: Path) -> None:
    for path in way.glob("*") if way.is_dir() else ():
        path.unlink()
